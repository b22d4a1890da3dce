#include "provider/chat/content.h"

namespace nacelle::provider::chat {

Result<const Json*> messages_of(const Json& body) {
  const Json* messages = json::array_member(body, "messages");
  if (messages == nullptr || messages->empty()) {
    return invalid_argument("messages: expected a non-empty list");
  }
  for (std::size_t i = 0; i < messages->size(); ++i) {
    if (json::string_member((*messages)[i], "role").empty()) {
      return invalid_argument("messages[{}].role: expected a string", i);
    }
  }
  return messages;
}

std::optional<std::int64_t> max_tokens(const Json& body) {
  if (const auto value = json::integer_member(body, "max_completion_tokens")) return value;
  return json::integer_member(body, "max_tokens");
}

Result<std::vector<std::string>> stop_strings(const Json& body) {
  std::vector<std::string> out;
  const Json* stop = json::member(body, "stop");
  if (stop == nullptr) return out;
  if (stop->is_string()) {
    out.push_back(stop->get<std::string>());
    return out;
  }
  if (!stop->is_array()) return invalid_argument("stop: expected a string or a list of strings");
  for (const Json& entry : *stop) {
    if (!entry.is_string()) return invalid_argument("stop: expected a string or a list of strings");
    out.push_back(entry.get<std::string>());
  }
  return out;
}

Result<std::vector<Json>> parts_of(const Json& content) {
  std::vector<Json> out;
  if (content.is_null()) return out;
  if (content.is_string()) {
    out.push_back(Json{{"type", "text"}, {"text", content}});
    return out;
  }
  if (!content.is_array()) return invalid_argument("content: expected a string or a list of parts");
  for (const Json& part : content) {
    if (part.is_string()) {
      out.push_back(Json{{"type", "text"}, {"text", part}});
    } else if (json::string_member(part, "type").empty()) {
      return invalid_argument("content: a part has no type");
    } else {
      out.push_back(part);
    }
  }
  return out;
}

Result<std::string> text_of(const Json& content) {
  ASSIGN_OR_RETURN(const std::vector<Json> parts, parts_of(content));
  std::string out;
  for (const Json& part : parts) {
    const std::string type = json::string_member(part, "type");
    if (type == "text") {
      out += json::string_member(part, "text");
    } else if (type == "refusal") {
      out += json::string_member(part, "refusal");
    } else {
      return unimplemented("content parts of type '{}' are not supported here", type);
    }
  }
  return out;
}

std::optional<DataUri> parse_data_uri(std::string_view url) {
  constexpr std::string_view kScheme = "data:";
  constexpr std::string_view kEncoding = ";base64";
  if (!url.starts_with(kScheme)) return std::nullopt;
  url.remove_prefix(kScheme.size());
  const std::size_t comma = url.find(',');
  if (comma == std::string_view::npos) return std::nullopt;
  std::string_view type = url.substr(0, comma);
  if (!type.ends_with(kEncoding)) return std::nullopt;
  type.remove_suffix(kEncoding.size());
  return DataUri{type.substr(0, type.find(';')), url.substr(comma + 1)};
}

Result<std::string> image_url(const Json& part) {
  const Json* image = json::member(part, "image_url");
  if (image != nullptr && image->is_string()) return image->get<std::string>();
  std::string url = image == nullptr ? std::string() : json::string_member(*image, "url");
  if (url.empty()) return invalid_argument("image_url.url: expected a string");
  return url;
}

Result<std::vector<ToolCall>> tool_calls(const Json& message) {
  std::vector<ToolCall> out;
  const Json* calls = json::array_member(message, "tool_calls");
  if (calls == nullptr) return out;
  for (const Json& call : *calls) {
    const Json* function = json::object_member(call, "function");
    if (function == nullptr) return unimplemented("tool_calls: only function calls are supported");
    ToolCall next{json::string_member(call, "id"), json::string_member(*function, "name"),
                  Json::object()};
    if (next.name.empty()) return invalid_argument("tool_calls: a function has no name");
    const std::string arguments = json::string_member(*function, "arguments");
    if (arguments.find_first_not_of(" \t\r\n") != std::string::npos) {
      auto parsed = json::parse_object(arguments);
      if (!parsed) {
        return invalid_argument("tool_calls: the arguments of {} are not a JSON object", next.name);
      }
      next.arguments = std::move(*parsed);
    }
    out.push_back(std::move(next));
  }
  return out;
}

Result<std::vector<Tool>> function_tools(const Json& body) {
  std::vector<Tool> out;
  const Json* tools = json::array_member(body, "tools");
  if (tools == nullptr) return out;
  for (const Json& tool : *tools) {
    const std::string type = json::string_member(tool, "type");
    if (type != "function") return unimplemented("tools of type '{}' are not supported here", type);
    const Json* function = json::object_member(tool, "function");
    if (function == nullptr || json::string_member(*function, "name").empty()) {
      return invalid_argument("tools: a function has no name");
    }
    out.push_back({&tool, function});
  }
  return out;
}

Result<ToolChoice> tool_choice(const Json& body) {
  const Json* choice = json::member(body, "tool_choice");
  if (choice == nullptr) return ToolChoice{};
  if (choice->is_string()) {
    std::string kind = choice->get<std::string>();
    if (kind == "any") kind = "required";
    if (kind == "auto" || kind == "none" || kind == "required") return ToolChoice{kind, ""};
    return invalid_argument("tool_choice: unknown value '{}'", kind);
  }
  const Json* function = json::object_member(*choice, "function");
  std::string name = function == nullptr ? "" : json::string_member(*function, "name");
  if (name.empty()) return invalid_argument("tool_choice: expected a string or a named function");
  return ToolChoice{"named", std::move(name)};
}

bool is_cached(const Json& object) {
  const Json* control = json::object_member(object, "cache_control");
  return control != nullptr && json::string_member(*control, "type") == "ephemeral";
}

}  // namespace nacelle::provider::chat
