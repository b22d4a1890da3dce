// completion_response.h: the answer of POST /v1/completions, whole and in chunks.
//
// Whole answers show absent values as null. Chunks carry exactly the members listed in section 9.
//
// Source:  engine.md sections 7 and 9.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "openai/answer.h"
#include "openai/logprobs.h"
#include "openai/usage.h"

namespace nacelle::openai {

struct CompletionChoice {
  std::int64_t index = 0;
  std::string text;
  std::optional<CompletionLogprobs> logprobs;
  std::optional<std::string> finish_reason;
  StopReason stop_reason;
  std::optional<std::vector<TokenId>> token_ids;
  std::optional<PromptLogprobs> prompt_logprobs;
  std::optional<std::vector<TokenId>> prompt_token_ids;
};

struct CompletionResponse {
  AnswerHead head;
  std::vector<CompletionChoice> choices;
  Usage usage;
};

[[nodiscard]] std::string to_json(const CompletionResponse& response);

// Writes the chunks of one stream, each as a server-sent event.
class CompletionChunkWriter {
 public:
  explicit CompletionChunkWriter(const AnswerHead& head);

  // `usage` is given with continuous_usage_stats only. The fingerprint goes with a finished choice
  // when no usage chunk follows. prompt_logprobs of the choice are not part of a chunk.
  void append_choice(std::string& out, const CompletionChoice& choice, const Usage* usage,
                     bool with_fingerprint) const;
  void append_usage(std::string& out, const Usage& usage) const;

 private:
  std::string prefix_;  // up to and with "choices":
  std::optional<std::string> fingerprint_;
};

}  // namespace nacelle::openai
