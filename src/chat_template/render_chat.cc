#include "chat_template/render_chat.h"

#include <optional>

#include "chat_template/text/python_string.h"

namespace nacelle::chat_template {
namespace {

using Json = nlohmann::ordered_json;

// Marks where the message to be continued ends; the space at its end tells whether the template
// trims. Source: transformers, apply_chat_template(continue_final_message=True).
constexpr std::string_view kContinueTag = "CONTINUE_FINAL_MESSAGE_TAG ";

const Json* find(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it == object.end() ? nullptr : &*it;
}

// The text of a part of type text, refusal, thinking, ...; nothing for images and the like.
std::optional<std::string> text_of_part(const std::string& type, const Json& part) {
  static constexpr std::pair<std::string_view, const char*> kTextFields[] = {
      {"text", "text"},       {"input_text", "text"},   {"output_text", "text"},
      {"refusal", "refusal"}, {"thinking", "thinking"},
  };
  for (const auto& [known, field] : kTextFields) {
    if (type != known) continue;
    const Json* text = find(part, field);
    if (text == nullptr || !text->is_string()) return std::nullopt;
    return text->get<std::string>();
  }
  return std::nullopt;
}

// "image" for image_url and image_embeds, "audio" for input_audio, ...
std::string modality_of(const std::string& type) {
  for (const char* name : {"image", "audio", "video"}) {
    if (type.find(name) != std::string::npos) return name;
  }
  return {};
}

Result<Json> normalize_parts(const Json& parts, ContentFormat format) {
  Json list = Json::array();
  std::string joined;
  bool is_first = true;
  for (const Json& part : parts) {
    std::optional<std::string> text;
    std::string type = "text";
    if (part.is_string()) {
      text = part.get<std::string>();
    } else if (part.is_object()) {
      const Json* given = find(part, "type");
      if (given != nullptr && given->is_string()) type = given->get<std::string>();
      text = text_of_part(type, part);
    }
    if (text) {
      if (format == ContentFormat::kParts) {
        list.push_back({{"type", "text"}, {"text", *text}});
      } else if (!text->empty()) {
        if (!is_first) joined += '\n';
        is_first = false;
        joined += *text;
      }
      continue;
    }
    const std::string modality = modality_of(type);
    if (modality.empty()) return invalid_argument("a content part of type '{}' is malformed", type);
    if (format != ContentFormat::kParts) {
      return invalid_argument("the chat template takes no content parts of type '{}'", type);
    }
    list.push_back({{"type", modality}});
  }
  if (format == ContentFormat::kParts) return list;
  return Json(std::move(joined));
}

Result<Json> normalize_content(const Json* content, ContentFormat format) {
  if (content == nullptr || content->is_null()) return normalize_parts(Json::array(), format);
  if (content->is_string()) return normalize_parts(Json::array({*content}), format);
  if (content->is_array()) return normalize_parts(*content, format);
  return invalid_argument("the content of a message must be text, a list of parts or null");
}

// The arguments of each call are JSON text on the wire; templates want the value.
Status normalize_tool_calls(Json& calls) {
  if (!calls.is_array()) return invalid_argument("tool_calls must be a list");
  for (Json& call : calls) {
    if (!call.is_object()) return invalid_argument("each tool call must be an object");
    const auto function = call.find("function");
    if (function == call.end() || !function->is_object()) continue;
    const auto arguments = function->find("arguments");
    if (arguments == function->end() || arguments->is_null()) {
      (*function)["arguments"] = Json::object();
      continue;
    }
    if (!arguments->is_string()) continue;
    const std::string text = arguments->get<std::string>();
    if (text.empty()) {
      *arguments = Json::object();
      continue;
    }
    Json parsed = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (parsed.is_discarded()) {
      return invalid_argument("the arguments of a tool call are not valid JSON");
    }
    *arguments = std::move(parsed);
  }
  return {};
}

// Adds the tag to the text that is to be continued and returns that text.
Result<std::string> mark_final_message(const ChatTemplate& chat_template, Json& messages) {
  if (messages.empty()) return invalid_argument("there is no final message to continue");
  Json* content = nullptr;
  if (const auto it = messages.back().find("content"); it != messages.back().end()) content = &*it;
  if (content == nullptr || content->is_null()) {
    return invalid_argument(
        "continue_final_message is set but the final message has no \"content\" to continue!");
  }
  if (chat_template.source().find("content") == std::string::npos) {
    return invalid_argument(
        "continue_final_message is set to \"content\" but this is not an accepted field in the "
        "chat_template");
  }
  if (content->is_array()) {
    content = [&]() -> Json* {
      for (auto part = content->rbegin(); part != content->rend(); ++part) {
        if (const auto text = part->find("text"); text != part->end()) return &*text;
      }
      return nullptr;
    }();
    if (content == nullptr) {
      return invalid_argument(
          "continue_final_message is set but we could not find any text to continue in the final "
          "message!");
    }
  }
  std::string text = content->get<std::string>();
  *content = text + std::string(kContinueTag);
  return text;
}

Result<std::string> cut_at_tag(std::string rendered, std::string_view final_text) {
  const std::string_view bare_tag = strip(kContinueTag, Side::kBoth);
  const std::size_t at = rendered.rfind(bare_tag);
  if (at == std::string::npos ||
      find_text(rendered, strip(final_text, Side::kBoth)) == std::string_view::npos) {
    return invalid_argument(
        "continue_final_message is set but the final message does not appear in the chat after "
        "applying the chat template! This can happen if the chat template deletes portions of the "
        "final message.");
  }
  const bool keeps_space = rendered.compare(at, kContinueTag.size(), kContinueTag) == 0;
  rendered.resize(at);
  if (!keeps_space) rendered.resize(strip(rendered, Side::kRight).size());
  return rendered;
}

// Templates read thoughts under either name; clients send one.
void mirror_reasoning(Json& message) {
  constexpr const char* kNames[] = {"reasoning", "reasoning_content"};
  for (int i = 0; i < 2; ++i) {
    const Json* given = find(message, kNames[i]);
    const Json* other = find(message, kNames[1 - i]);
    if (given == nullptr || !given->is_string() || (other != nullptr && !other->is_null()))
      continue;
    message[kNames[1 - i]] = given->get<std::string>();
    return;
  }
}

Json array_or_null(const Json& value) { return value.is_array() ? value : Json(nullptr); }

}  // namespace

Result<Json> normalize_messages(const Json& messages, ContentFormat format) {
  if (!messages.is_array()) return invalid_argument("messages must be a list");
  Json result = Json::array();
  for (const Json& message : messages) {
    if (!message.is_object()) return invalid_argument("each message must be an object");
    Json normalized = message;
    ASSIGN_OR_RETURN(normalized["content"], normalize_content(find(message, "content"), format));
    mirror_reasoning(normalized);
    if (const auto calls = normalized.find("tool_calls"); calls != normalized.end()) {
      if (calls->is_null() || (calls->is_array() && calls->empty())) {
        normalized.erase("tool_calls");
      } else {
        RETURN_IF_ERROR(normalize_tool_calls(*calls));
      }
    }
    result.push_back(std::move(normalized));
  }
  return result;
}

Result<std::string> render_chat(const ChatTemplate& chat_template, const ChatInput& input,
                                const RenderOptions& options) {
  ContentFormat format = input.content_format;
  if (format == ContentFormat::kAuto) {
    format = chat_template.wants_content_parts() ? ContentFormat::kParts : ContentFormat::kString;
  }
  Json variables = Json::object();
  for (const Json* more : {&input.special_tokens, &input.template_kwargs}) {
    if (more->is_null()) continue;
    if (!more->is_object()) return invalid_argument("chat_template_kwargs must be an object");
    variables.update(*more);
  }
  ASSIGN_OR_RETURN(Json messages, normalize_messages(input.messages, format));
  std::string final_text;
  if (input.continue_final_message) {
    ASSIGN_OR_RETURN(final_text, mark_final_message(chat_template, messages));
  }
  variables["messages"] = std::move(messages);
  variables["tools"] = array_or_null(input.tools);
  variables["documents"] = array_or_null(input.documents);
  variables["add_generation_prompt"] = input.add_generation_prompt && !input.continue_final_message;
  ASSIGN_OR_RETURN(std::string rendered, chat_template.render(variables, options));
  if (!input.continue_final_message) return rendered;
  return cut_at_tag(std::move(rendered), final_text);
}

}  // namespace nacelle::chat_template
