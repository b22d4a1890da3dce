// chat_request.h: the body of POST /v1/chat/completions.
//
// Messages, tools and documents stay JSON in the client's order: templates look into them freely.
// They are checked to be of the shapes that templates may rely on (list of objects with a role,
// content of text).
//
// Source:  engine.md sections 8 and 13.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "openai/error.h"
#include "openai/request_fields.h"
#include "openai/sampling_fields.h"
#include "openai/tools.h"

namespace nacelle::openai {

// What a chat template is rendered from; shared with /tokenize.
struct TemplateFields {
  nlohmann::ordered_json messages;              // array, at least one message
  nlohmann::ordered_json tools;                 // array, or null
  nlohmann::ordered_json documents;             // array, or null
  nlohmann::ordered_json chat_template_kwargs;  // object, or null
  std::optional<std::string> chat_template;     // only where the operator trusts requests
  bool add_generation_prompt = true;
  bool continue_final_message = false;
  bool add_special_tokens = false;
};

struct ChatRequest {
  RequestFields common;
  SamplingFields sampling;
  TemplateFields prompt;
  bool logprobs = false;
  std::int64_t top_logprobs = 0;
  ToolChoice tool_choice = ToolChoice::kNone;
  bool parallel_tool_calls = true;
  bool return_prompt_text = false;

  // How many alternatives the sampler reports; nullopt = none at all.
  [[nodiscard]] std::optional<std::int64_t> num_logprobs() const {
    return logprobs ? std::optional(top_logprobs) : std::nullopt;
  }
};

// What the operator allows in a chat body.
struct ChatPolicy {
  bool trust_request_chat_template = false;
  bool enable_auto_tool_choice = false;  // with a tool parser
};

[[nodiscard]] Parsed<ChatRequest> parse_chat_request(std::string_view body,
                                                     const SamplingLimits& limits,
                                                     const ChatPolicy& policy);

// Checks the shapes of messages and tools; used by /tokenize too.
[[nodiscard]] Check validate_template_fields(const TemplateFields& fields,
                                             const ChatPolicy& policy);

}  // namespace nacelle::openai
