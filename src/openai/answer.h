// answer.h: what full answers and chunks of completions and chat have in common.
//
// Source:  engine.md sections 7 to 9.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/token.h"
#include "openai/error.h"
#include "openai/json_writer.h"

namespace nacelle::openai {

// The members that every answer and every chunk of one request repeat.
struct AnswerHead {
  std::string id;            // cmpl-<id> or chatcmpl-<id>
  std::int64_t created = 0;  // Unix seconds
  std::string model;         // as served
  std::optional<std::string> system_fingerprint;
};

// Why generation stopped: nothing for the primary EOS and for length, a token id, or a stop string.
using StopReason = std::variant<std::monostate, TokenId, std::string>;

void write_stop_reason(JsonWriter& json, const StopReason& reason);
// null when absent.
void write_optional_string(JsonWriter& json, const std::optional<std::string>& text);
void write_token_ids(JsonWriter& json, const std::optional<std::vector<TokenId>>& ids);

// One server-sent event around `json`.
void append_event(std::string& out, std::string_view json);
void append_error_event(std::string& out, const Error& error);
inline constexpr std::string_view kDoneEvent = "data: [DONE]\n\n";
inline constexpr std::string_view kEventStreamType = "text/event-stream; charset=utf-8";

}  // namespace nacelle::openai
