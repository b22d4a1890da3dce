#include "openai/answer.h"

namespace nacelle::openai {

void write_stop_reason(JsonWriter& json, const StopReason& reason) {
  if (const auto* token = std::get_if<TokenId>(&reason)) {
    json.integer(*token);
  } else if (const auto* text = std::get_if<std::string>(&reason)) {
    json.string(*text);
  } else {
    json.null();
  }
}

void write_optional_string(JsonWriter& json, const std::optional<std::string>& text) {
  if (text) {
    json.string(*text);
  } else {
    json.null();
  }
}

void write_token_ids(JsonWriter& json, const std::optional<std::vector<TokenId>>& ids) {
  if (!ids) {
    json.null();
    return;
  }
  json.begin_array();
  for (const TokenId id : *ids) json.integer(id);
  json.end_array();
}

void append_event(std::string& out, std::string_view json) {
  out.append("data: ").append(json).append("\n\n");
}

void append_error_event(std::string& out, const Error& error) { append_event(out, to_json(error)); }

}  // namespace nacelle::openai
