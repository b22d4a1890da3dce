// content.h: reads of OpenAI chat messages that every backend's request builder needs.
//
// Home:    pure functions; any thread.
// Errors:  invalid_argument for what no chat body may be, unimplemented for parts that the backend
//          has no word for.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "provider/json/json.h"

namespace nacelle::provider::chat {

using json::Json;

// The body's `messages`: a non-empty list of objects, each with a string `role`.
[[nodiscard]] Result<const Json*> messages_of(const Json& body);

// "max_completion_tokens" over "max_tokens"; nullopt when neither is a whole number.
[[nodiscard]] std::optional<std::int64_t> max_tokens(const Json& body);

// `stop` as a list of strings.
[[nodiscard]] Result<std::vector<std::string>> stop_strings(const Json& body);

// The content as parts: a string becomes one text part, null none.
[[nodiscard]] Result<std::vector<Json>> parts_of(const Json& content);

// The text of a content, parts joined; unimplemented when a part is no text.
[[nodiscard]] Result<std::string> text_of(const Json& content);

// data:<media type>;base64,<data>. Views point into `url`.
struct DataUri {
  std::string_view media_type;
  std::string_view data;
};
[[nodiscard]] std::optional<DataUri> parse_data_uri(std::string_view url);

// The URL of an image_url part: {"image_url":{"url":...}} or {"image_url":"..."}.
[[nodiscard]] Result<std::string> image_url(const Json& part);

struct ToolCall {
  std::string id;
  std::string name;
  Json arguments;  // an object; {} for ""
};
// invalid_argument when arguments are not a JSON object.
[[nodiscard]] Result<std::vector<ToolCall>> tool_calls(const Json& message);

// The `function` objects of `tools`, with the tool beside for vendor fields; unimplemented for
// other types of tool.
struct Tool {
  const Json* tool = nullptr;
  const Json* function = nullptr;
};
[[nodiscard]] Result<std::vector<Tool>> function_tools(const Json& body);

// `tool_choice`: kind is "" (absent), "auto", "none", "required" or "named".
struct ToolChoice {
  std::string kind;
  std::string name;
};
[[nodiscard]] Result<ToolChoice> tool_choice(const Json& body);

// True when a message, part or tool carries {"cache_control":{"type":"ephemeral"}}.
[[nodiscard]] bool is_cached(const Json& object);

}  // namespace nacelle::provider::chat
