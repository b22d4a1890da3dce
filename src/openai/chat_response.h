// chat_response.h: the answer of POST /v1/chat/completions as one body.
//
// Absent values are written as null; tool_calls is a list, never null.
//
// Source:  engine.md section 8.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "openai/answer.h"
#include "openai/logprobs.h"
#include "openai/tools.h"
#include "openai/usage.h"

namespace nacelle::openai {

struct ChatMessage {
  std::string role = "assistant";
  std::optional<std::string> content;
  std::vector<ToolCall> tool_calls;
  std::optional<std::string> reasoning;
};

struct ChatChoice {
  std::int64_t index = 0;
  ChatMessage message;
  std::optional<ChatLogprobs> logprobs;
  std::string finish_reason;
  StopReason stop_reason;
  std::optional<std::vector<TokenId>> token_ids;
};

struct ChatResponse {
  AnswerHead head;
  std::vector<ChatChoice> choices;
  Usage usage;
  std::optional<PromptLogprobs> prompt_logprobs;
  std::optional<std::vector<TokenId>> prompt_token_ids;
  std::optional<std::string> prompt_text;
};

[[nodiscard]] std::string to_json(const ChatResponse& response);

}  // namespace nacelle::openai
