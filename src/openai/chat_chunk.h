// chat_chunk.h: the answer of POST /v1/chat/completions as server-sent events.
//
// Only members that are set appear in a chunk; the key sets are those of section 9.
//
// Source:  engine.md section 9.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "openai/answer.h"
#include "openai/logprobs.h"
#include "openai/tools.h"
#include "openai/usage.h"

namespace nacelle::openai {

// A piece of a streamed tool call. The first piece of a call has its id and name.
struct ToolCallDelta {
  std::int64_t index = 0;
  std::optional<std::string> id, name;
  std::optional<std::string> arguments;  // a fragment of the JSON text
};

struct ChatDelta {
  std::int64_t index = 0;              // of the choice
  std::optional<std::string> content;  // none: the delta has tool calls or nothing
  std::vector<ToolCallDelta> tool_calls;
  std::optional<ChatLogprobs> logprobs;
  std::optional<std::string> finish_reason;  // set in the last chunk of a choice
  StopReason stop_reason;                    // shown with finish_reason
  std::optional<std::vector<TokenId>> token_ids;
};

// What the first chunk of a choice says of the prompt; null unless asked for.
struct PromptEcho {
  std::optional<std::vector<TokenId>> token_ids;
  std::optional<std::string> text;
};

class ChatChunkWriter {
 public:
  explicit ChatChunkWriter(const AnswerHead& head);

  // The chunk that opens a choice. `usage` here and below: with continuous_usage_stats only.
  void append_role(std::string& out, std::int64_t index, std::string_view role,
                   const PromptEcho& prompt, const Usage* usage) const;
  // With a finish reason this is the choice's last chunk; `with_fingerprint` when no usage chunk
  // follows.
  void append_delta(std::string& out, const ChatDelta& delta, const Usage* usage,
                    bool with_fingerprint) const;
  void append_usage(std::string& out, const Usage& usage) const;

 private:
  std::string prefix_;  // up to and with "choices":
  std::optional<std::string> fingerprint_;
};

}  // namespace nacelle::openai
