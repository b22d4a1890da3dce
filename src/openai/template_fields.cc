// The shapes of messages and tools that templates may rely on.
#include "openai/chat_request.h"

namespace nacelle::openai {
namespace {

using Json = nlohmann::ordered_json;

bool has_string(const Json& object, std::string_view key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string();
}

Error at(std::string_view list, std::size_t index, std::string_view what) {
  return body_error(fmt::format("{}[{}]{}", list, index, what), std::string(list));
}

// The text kinds of content part; others need a multimodal model.
Check check_part(const Json& part, std::size_t message) {
  if (part.is_string()) return {};
  if (!part.is_object() || !has_string(part, "type")) {
    return at("messages", message, ".content: each part should be an object with a type.");
  }
  const auto& type = part.find("type")->get_ref<const std::string&>();
  for (std::string_view text_type : {"text", "input_text", "output_text", "refusal", "thinking"}) {
    if (type != text_type) continue;
    const std::string_view key =
        type == "refusal" || type == "thinking" ? std::string_view(type) : "text";
    if (has_string(part, key)) return {};
    return at("messages", message,
              fmt::format(".content: a part of type '{}' needs a string '{}'.", type, key));
  }
  return value_error(
      fmt::format("messages[{}].content: parts of type '{}' are not accepted: this model takes "
                  "text only.",
                  message, excerpt(type)),
      "messages");
}

Check check_tool_calls(const Json& calls, std::size_t message) {
  if (calls.is_null()) return {};
  if (!calls.is_array()) return at("messages", message, ".tool_calls should be a list.");
  for (const Json& call : calls) {
    const auto function = call.is_object() ? call.find("function") : call.end();
    if (!call.is_object() || function == call.end() || !function->is_object() ||
        !has_string(*function, "name")) {
      return at("messages", message, ".tool_calls: each call needs a function with a name.");
    }
  }
  return {};
}

Check check_message(const Json& message, std::size_t index) {
  if (!message.is_object()) return at("messages", index, " should be an object.");
  if (!has_string(message, "role")) return at("messages", index, ".role should be a string.");
  if (const auto content = message.find("content"); content != message.end()) {
    if (content->is_array()) {
      for (const Json& part : *content) {
        if (Check bad = check_part(part, index)) return bad;
      }
    } else if (!content->is_string() && !content->is_null()) {
      return at("messages", index, ".content should be a string or a list of parts.");
    }
  }
  if (const auto calls = message.find("tool_calls"); calls != message.end()) {
    return check_tool_calls(*calls, index);
  }
  return {};
}

Check check_tool(const Json& tool, std::size_t index) {
  if (!tool.is_object()) return at("tools", index, " should be an object.");
  const auto type = tool.find("type");
  if (type == tool.end() || *type != "function") {
    return at("tools", index, ".type should be 'function'.");
  }
  const auto function = tool.find("function");
  if (function == tool.end() || !function->is_object() || !has_string(*function, "name")) {
    return at("tools", index, ".function should be an object with a name.");
  }
  return {};
}

}  // namespace

Check validate_template_fields(const TemplateFields& fields, const ChatPolicy& policy) {
  if (!fields.messages.is_array() || fields.messages.empty()) {
    return body_error("messages: a list of at least one message is required.", "messages");
  }
  std::size_t index = 0;
  for (const Json& message : fields.messages) {
    if (Check bad = check_message(message, index++)) return bad;
  }
  if (fields.tools.is_array()) {
    if (fields.tools.empty()) {
      return body_error("tools: an empty list is not accepted; leave the field out.", "tools");
    }
    index = 0;
    for (const Json& tool : fields.tools) {
      if (Check bad = check_tool(tool, index++)) return bad;
    }
  } else if (!fields.tools.is_null()) {
    return body_error("tools: Input should be a list.", "tools");
  }
  if (!fields.documents.is_null() && !fields.documents.is_array()) {
    return body_error("documents: Input should be a list.", "documents");
  }
  if (!fields.chat_template_kwargs.is_null() && !fields.chat_template_kwargs.is_object()) {
    return body_error("chat_template_kwargs: Input should be an object.", "chat_template_kwargs");
  }
  if (fields.chat_template && !policy.trust_request_chat_template) {
    return value_error(
        "Chat template is passed with request, but --trust-request-chat-template is not set. "
        "Refused request with untrusted chat template.",
        "chat_template");
  }
  return {};
}

}  // namespace nacelle::openai
