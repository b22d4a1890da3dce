#include "provider/gemini/request_from_chat.h"

#include <array>
#include <map>

#include "provider/chat/content.h"
#include "provider/gemini/generation_config.h"

namespace nacelle::provider::gemini {

namespace {

using json::Json;

// The API insists on a signature with a function call; this one says that there is none.
constexpr std::string_view kNoSignature = "skip_thought_signature_validator";

std::string_view media_type_of(std::string_view url) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kTypes{{
      {".png", "image/png"},
      {".gif", "image/gif"},
      {".webp", "image/webp"},
      {".heic", "image/heic"},
      {".heif", "image/heif"},
      {".jpg", "image/jpeg"},
      {".jpeg", "image/jpeg"},
  }};
  const std::string_view path = url.substr(0, url.find_first_of("?#"));
  for (const auto& [suffix, type] : kTypes) {
    if (path.ends_with(suffix)) return type;
  }
  return "image/jpeg";
}

Status append_parts(const Json& message, Json& parts) {
  const Json* content = json::member(message, "content");
  if (content == nullptr) return {};
  ASSIGN_OR_RETURN(const std::vector<Json> list, chat::parts_of(*content));
  for (const Json& part : list) {
    const std::string type = json::string_member(part, "type");
    if (type == "text" || type == "refusal") {
      std::string text = json::string_member(part, type);
      if (!text.empty()) parts.push_back({{"text", std::move(text)}});
    } else if (type == "image_url") {
      ASSIGN_OR_RETURN(const std::string url, chat::image_url(part));
      if (const auto data = chat::parse_data_uri(url)) {
        parts.push_back({{"inlineData", {{"mimeType", data->media_type}, {"data", data->data}}}});
      } else {
        parts.push_back({{"fileData", {{"mimeType", media_type_of(url)}, {"fileUri", url}}}});
      }
    } else if (type != "thinking" && type != "redacted_thinking") {
      // Thoughts of an earlier answer go back as the signature of its calls only.
      return unimplemented("content parts of type '{}' are not supported by this backend", type);
    }
  }
  return {};
}

// The signature that a thinking block of this answer carried, if a client sent one back.
std::string signature_of(const Json& message) {
  for (const char* holder : {"thinking_blocks", "content"}) {
    const Json* blocks = json::array_member(message, holder);
    if (blocks == nullptr) continue;
    for (const Json& block : *blocks) {
      std::string signature = json::string_member(block, "signature");
      if (!signature.empty()) return signature;
    }
  }
  return {};
}

Status append_assistant(const Json& message, Json& parts,
                        std::map<std::string, std::string>& names) {
  RETURN_IF_ERROR(append_parts(message, parts));
  ASSIGN_OR_RETURN(std::vector<chat::ToolCall> calls, chat::tool_calls(message));
  const std::string signature = signature_of(message);
  bool first = true;
  for (chat::ToolCall& call : calls) {
    names[call.id] = call.name;
    Json part{
        {"functionCall", {{"name", std::move(call.name)}, {"args", std::move(call.arguments)}}}};
    if (first) part["thoughtSignature"] = signature.empty() ? kNoSignature : signature;
    first = false;
    parts.push_back(std::move(part));
  }
  return {};
}

Status append_tool_result(const Json& message, Json& parts,
                          const std::map<std::string, std::string>& names) {
  const std::string id = json::string_member(message, "tool_call_id");
  const auto name = names.find(id);
  if (name == names.end()) {
    return invalid_argument("messages: tool_call_id '{}' names no call before it", id);
  }
  const Json* content = json::member(message, "content");
  ASSIGN_OR_RETURN(const std::string text, chat::text_of(content == nullptr ? Json() : *content));
  parts.push_back(
      {{"functionResponse", {{"name", name->second}, {"response", {{"output", text}}}}}});
  return {};
}

Json& turn_of(Json& contents, std::string_view role) {
  if (contents.empty() || json::string_member(contents.back(), "role") != role) {
    contents.push_back({{"role", role}, {"parts", Json::array()}});
  }
  return contents.back()["parts"];
}

Status append_contents(const Json& chat, Json& out) {
  ASSIGN_OR_RETURN(const Json* messages, chat::messages_of(chat));
  Json system = Json::array();
  Json contents = Json::array();
  std::map<std::string, std::string> names;  // tool call id -> function
  for (const Json& message : *messages) {
    const std::string role = json::string_member(message, "role");
    if (role == "system" || role == "developer") {
      RETURN_IF_ERROR(append_parts(message, system));
    } else if (role == "user") {
      RETURN_IF_ERROR(append_parts(message, turn_of(contents, "user")));
    } else if (role == "tool") {
      RETURN_IF_ERROR(append_tool_result(message, turn_of(contents, "user"), names));
    } else if (role == "assistant") {
      RETURN_IF_ERROR(append_assistant(message, turn_of(contents, "model"), names));
    } else {
      return unimplemented("messages of role '{}' are not supported by this backend", role);
    }
  }
  std::erase_if(contents.get_ref<Json::array_t&>(),
                [](const Json& turn) { return turn["parts"].empty(); });
  if (contents.empty()) {
    return invalid_argument("messages: at least one message is no system message");
  }
  out["contents"] = std::move(contents);
  if (!system.empty()) out["systemInstruction"]["parts"] = std::move(system);
  return {};
}

Status append_tools(const Json& chat, std::string_view model, Json& out) {
  const Json* tools = json::array_member(chat, "tools");
  if (tools == nullptr || tools->empty()) return {};
  Json functions = Json::array();
  Json list = Json::array();
  for (const Json& tool : *tools) {
    const std::string type = json::string_member(tool, "type");
    const Json* function = json::object_member(tool, "function");
    if (type == "google_search" || type == "enterprise_search") {
      const char* name = type == "google_search" ? "googleSearch" : "enterpriseWebSearch";
      const Json* settings = json::object_member(tool, type);
      list.push_back(Json::object({{name, settings != nullptr ? *settings : Json::object()}}));
    } else if (type == "function" && function != nullptr) {
      Json entry;
      json::copy_member(*function, "name", entry, "name");
      json::copy_member(*function, "description", entry, "description");
      if (const Json* schema = json::object_member(*function, "parameters")) {
        const bool plain = model.find("gemini-2.5") != std::string_view::npos ||
                           model.find("gemini-3") != std::string_view::npos;
        if (plain) {
          entry["parametersJsonSchema"] = *schema;
        } else {
          entry["parameters"] = response_schema(*schema);
        }
      }
      functions.push_back(std::move(entry));
    } else {
      return unimplemented("tools of type '{}' are not supported by this backend", type);
    }
  }
  if (!functions.empty()) list.push_back({{"functionDeclarations", std::move(functions)}});
  out["tools"] = std::move(list);

  ASSIGN_OR_RETURN(const chat::ToolChoice choice, chat::tool_choice(chat));
  if (choice.kind.empty()) return {};
  Json& config = out["toolConfig"]["functionCallingConfig"];
  config["mode"] = choice.kind == "auto" ? "AUTO" : choice.kind == "none" ? "NONE" : "ANY";
  if (choice.kind == "named") config["allowedFunctionNames"] = Json::array({choice.name});
  return {};
}

}  // namespace

Result<Json> request_from_chat(const Json& chat, std::string_view model) {
  Json out = Json::object();
  RETURN_IF_ERROR(append_contents(chat, out));
  RETURN_IF_ERROR(append_tools(chat, model, out));
  ASSIGN_OR_RETURN(Json config, generation_config(chat, model));
  if (!config.empty()) out["generationConfig"] = std::move(config);
  json::copy_member(chat, "safetySettings", out, "safetySettings");
  return out;
}

}  // namespace nacelle::provider::gemini
