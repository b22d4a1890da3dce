#include "provider/messages/request_to_chat.h"

namespace nacelle::provider::messages {

namespace {

using json::Json;

Result<Json> image_part(const Json& block) {
  const Json* source = json::object_member(block, "source");
  const std::string type = source == nullptr ? "" : json::string_member(*source, "type");
  std::string url;
  if (type == "base64") {
    url = fmt::format("data:{};base64,{}", json::string_member(*source, "media_type"),
                      json::string_member(*source, "data"));
  } else if (type == "url") {
    url = json::string_member(*source, "url");
  } else {
    return unimplemented("an image source of type '{}' is not supported by this backend", type);
  }
  return Json{{"type", "image_url"}, {"image_url", {{"url", std::move(url)}}}};
}

// A string or a list of text blocks, joined.
Result<std::string> text_of(const Json& content) {
  if (content.is_string()) return content.get<std::string>();
  if (!content.is_array())
    return invalid_argument("content: expected a string or a list of blocks");
  std::string out;
  for (const Json& block : content) {
    const std::string type = json::string_member(block, "type");
    if (type != "text") {
      return unimplemented("blocks of type '{}' are not supported here by this backend", type);
    }
    out += json::string_member(block, "text");
  }
  return out;
}

Status append_user(const Json& content, Json& chat) {
  Json parts = Json::array();
  for (const Json& block : content) {
    const std::string type = json::string_member(block, "type");
    if (type == "text") {
      parts.push_back({{"type", "text"}, {"text", json::string_member(block, "text")}});
      json::copy_member(block, "cache_control", parts.back(), "cache_control");
    } else if (type == "image") {
      ASSIGN_OR_RETURN(Json part, image_part(block));
      parts.push_back(std::move(part));
    } else if (type == "tool_result") {
      const Json* result = json::member(block, "content");
      std::string text;
      if (result != nullptr) {
        ASSIGN_OR_RETURN(text, text_of(*result));
      }
      chat.push_back({{"role", "tool"},
                      {"tool_call_id", json::string_member(block, "tool_use_id")},
                      {"content", std::move(text)}});
    } else {
      return unimplemented("blocks of type '{}' are not supported by this backend", type);
    }
  }
  if (parts.empty()) return {};
  const bool plain = parts.size() == 1 && parts[0].size() == 2 && parts[0].contains("text");
  chat.push_back({{"role", "user"}, {"content", plain ? parts[0]["text"] : parts}});
  return {};
}

Status append_assistant(const Json& content, Json& chat) {
  Json parts = Json::array();
  Json calls = Json::array();
  for (const Json& block : content) {
    const std::string type = json::string_member(block, "type");
    if (type == "text") {
      parts.push_back({{"type", "text"}, {"text", json::string_member(block, "text")}});
    } else if (type == "thinking" || type == "redacted_thinking") {
      parts.push_back(block);
    } else if (type == "tool_use") {
      const Json* input = json::member(block, "input");
      calls.push_back({{"id", json::string_member(block, "id")},
                       {"type", "function"},
                       {"function",
                        {{"name", json::string_member(block, "name")},
                         {"arguments", input == nullptr ? "{}" : json::dump(*input)}}}});
    } else {
      return unimplemented("blocks of type '{}' are not supported by this backend", type);
    }
  }
  Json message{{"role", "assistant"}};
  const bool plain = parts.size() == 1 && parts[0]["type"] == "text";
  message["content"] = parts.empty() ? Json(nullptr) : plain ? parts[0]["text"] : parts;
  if (!calls.empty()) message["tool_calls"] = std::move(calls);
  chat.push_back(std::move(message));
  return {};
}

Status append_messages(const Json& body, Json& out) {
  Json chat = Json::array();
  if (const Json* system = json::member(body, "system")) {
    ASSIGN_OR_RETURN(const std::string text, text_of(*system));
    chat.push_back({{"role", "system"}, {"content", text}});
  }
  const Json* messages = json::array_member(body, "messages");
  if (messages == nullptr || messages->empty()) {
    return invalid_argument("messages: expected a non-empty list");
  }
  for (const Json& message : *messages) {
    const std::string role = json::string_member(message, "role");
    const Json* content = json::member(message, "content");
    if (content == nullptr) return invalid_argument("messages: a message has no content");
    const Json blocks =
        content->is_string() ? Json::array({Json{{"type", "text"}, {"text", *content}}}) : *content;
    if (!blocks.is_array()) {
      return invalid_argument("messages: content must be a string or a list of blocks");
    }
    if (role == "user") {
      RETURN_IF_ERROR(append_user(blocks, chat));
    } else if (role == "assistant") {
      RETURN_IF_ERROR(append_assistant(blocks, chat));
    } else {
      return invalid_argument("messages: role must be user or assistant, got '{}'", role);
    }
  }
  out["messages"] = std::move(chat);
  return {};
}

Status append_tools(const Json& body, Json& out) {
  const Json* tools = json::array_member(body, "tools");
  if (tools == nullptr || tools->empty()) return {};
  Json list = Json::array();
  for (const Json& tool : *tools) {
    const std::string type = json::string_member(tool, "type");
    if (!type.empty() && type != "custom") {
      return unimplemented("tools of type '{}' are not supported by this backend", type);
    }
    Json function;
    json::copy_member(tool, "name", function, "name");
    json::copy_member(tool, "description", function, "description");
    json::copy_member(tool, "input_schema", function, "parameters");
    json::copy_member(tool, "strict", function, "strict");
    list.push_back({{"type", "function"}, {"function", std::move(function)}});
    json::copy_member(tool, "cache_control", list.back(), "cache_control");
  }
  out["tools"] = std::move(list);
  const Json* choice = json::object_member(body, "tool_choice");
  if (choice == nullptr) return {};
  const std::string type = json::string_member(*choice, "type");
  if (type == "tool") {
    out["tool_choice"] = {{"type", "function"},
                          {"function", {{"name", json::string_member(*choice, "name")}}}};
  } else if (type == "auto" || type == "none" || type == "any") {
    out["tool_choice"] = type == "any" ? "required" : type;
  } else {
    return invalid_argument("tool_choice: unknown type '{}'", type);
  }
  if (json::bool_member(*choice, "disable_parallel_tool_use")) out["parallel_tool_calls"] = false;
  return {};
}

}  // namespace

Result<Json> request_to_chat(const Json& body, const RequestFacts& facts) {
  Json out{{"model", facts.model}};
  RETURN_IF_ERROR(append_messages(body, out));
  json::copy_member(body, "max_tokens", out, "max_completion_tokens");
  json::copy_member(body, "temperature", out, "temperature");
  json::copy_member(body, "top_p", out, "top_p");
  json::copy_member(body, "stop_sequences", out, "stop");
  json::copy_member(body, "thinking", out, "thinking");
  RETURN_IF_ERROR(append_tools(body, out));
  if (facts.delivery == Delivery::kStreamed) {
    out["stream"] = true;
    out["stream_options"]["include_usage"] = true;
  }
  return out;
}

}  // namespace nacelle::provider::messages
