#include "provider/bedrock/request_from_chat.h"

#include "provider/chat/content.h"

namespace nacelle::provider::bedrock {

namespace {

using json::Json;

Json cache_point() { return {{"cachePoint", {{"type", "default"}}}}; }

Result<Json> image_block(const Json& part) {
  ASSIGN_OR_RETURN(const std::string url, chat::image_url(part));
  const auto data = chat::parse_data_uri(url);
  if (!data) return unimplemented("this backend takes images only as base64 data URIs");
  for (const std::string_view format : {"png", "jpeg", "gif", "webp"}) {
    if (data->media_type != fmt::format("image/{}", format)) continue;
    return Json{{"image", {{"format", format}, {"source", {{"bytes", data->data}}}}}};
  }
  return unimplemented("images of type '{}' are not supported by this backend", data->media_type);
}

Json reasoning_block(const Json& thinking) {
  Json content;
  if (json::string_member(thinking, "type") == "redacted_thinking") {
    content["redactedContent"] = json::string_member(thinking, "data");
  } else {
    content["reasoningText"]["text"] = json::string_member(thinking, "thinking");
    json::copy_member(thinking, "signature", content["reasoningText"], "signature");
  }
  return {{"reasoningContent", std::move(content)}};
}

// Appends the blocks of a content; a part marked for caching is followed by a cache point.
Status append_blocks(const Json& message, Json& blocks) {
  const Json* content = json::member(message, "content");
  if (content == nullptr) return {};
  ASSIGN_OR_RETURN(const std::vector<Json> parts, chat::parts_of(*content));
  for (const Json& part : parts) {
    const std::string type = json::string_member(part, "type");
    if (type == "text" || type == "refusal") {
      std::string text = json::string_member(part, type);
      if (text.empty()) continue;  // the API refuses empty text
      blocks.push_back({{"text", std::move(text)}});
    } else if (type == "image_url") {
      ASSIGN_OR_RETURN(Json block, image_block(part));
      blocks.push_back(std::move(block));
    } else if (type == "thinking" || type == "redacted_thinking") {
      blocks.push_back(reasoning_block(part));
    } else {
      return unimplemented("content parts of type '{}' are not supported by this backend", type);
    }
    if (chat::is_cached(part)) blocks.push_back(cache_point());
  }
  if (chat::is_cached(message)) blocks.push_back(cache_point());
  return {};
}

Status append_assistant(const Json& message, Json& blocks) {
  if (const Json* thinking = json::array_member(message, "thinking_blocks")) {
    for (const Json& block : *thinking) blocks.push_back(reasoning_block(block));
  }
  RETURN_IF_ERROR(append_blocks(message, blocks));
  ASSIGN_OR_RETURN(std::vector<chat::ToolCall> calls, chat::tool_calls(message));
  for (chat::ToolCall& call : calls) {
    blocks.push_back({{"toolUse",
                       {{"toolUseId", std::move(call.id)},
                        {"name", std::move(call.name)},
                        {"input", std::move(call.arguments)}}}});
  }
  return {};
}

Status append_tool_result(const Json& message, Json& blocks) {
  Json content = Json::array();
  RETURN_IF_ERROR(append_blocks(message, content));
  if (content.empty()) content.push_back({{"text", ""}});
  blocks.push_back({{"toolResult",
                     {{"toolUseId", json::string_member(message, "tool_call_id")},
                      {"content", std::move(content)}}}});
  return {};
}

// One turn; the API wants user and assistant to alternate, and refuses empty turns.
void append_turn(Json& turns, std::string_view role, Json blocks) {
  if (blocks.empty()) return;
  if (!turns.empty() && json::string_member(turns.back(), "role") == role) {
    for (Json& block : blocks) turns.back()["content"].push_back(std::move(block));
  } else {
    turns.push_back({{"role", role}, {"content", std::move(blocks)}});
  }
}

Status append_messages(const Json& chat, Json& out) {
  ASSIGN_OR_RETURN(const Json* messages, chat::messages_of(chat));
  Json system = Json::array();
  Json turns = Json::array();
  for (const Json& message : *messages) {
    const std::string role = json::string_member(message, "role");
    Json blocks = Json::array();
    if (role == "system" || role == "developer") {
      RETURN_IF_ERROR(append_blocks(message, system));
    } else if (role == "user") {
      RETURN_IF_ERROR(append_blocks(message, blocks));
      append_turn(turns, "user", std::move(blocks));
    } else if (role == "tool") {
      RETURN_IF_ERROR(append_tool_result(message, blocks));
      append_turn(turns, "user", std::move(blocks));
    } else if (role == "assistant") {
      RETURN_IF_ERROR(append_assistant(message, blocks));
      append_turn(turns, "assistant", std::move(blocks));
    } else {
      return unimplemented("messages of role '{}' are not supported by this backend", role);
    }
  }
  if (turns.empty()) return invalid_argument("messages: at least one message is no system message");
  out["messages"] = std::move(turns);
  if (!system.empty()) out["system"] = std::move(system);
  return {};
}

Status append_tools(const Json& chat, Json& out) {
  ASSIGN_OR_RETURN(const std::vector<chat::Tool> tools, chat::function_tools(chat));
  ASSIGN_OR_RETURN(const chat::ToolChoice choice, chat::tool_choice(chat));
  // Converse has no word for "none"; without tools the model cannot call any.
  if (tools.empty() || choice.kind == "none") return {};
  Json list = Json::array();
  for (const chat::Tool& tool : tools) {
    Json spec;
    json::copy_member(*tool.function, "name", spec, "name");
    json::copy_member(*tool.function, "description", spec, "description");
    const Json* schema = json::object_member(*tool.function, "parameters");
    spec["inputSchema"]["json"] = schema != nullptr ? *schema : Json{{"type", "object"}};
    list.push_back({{"toolSpec", std::move(spec)}});
    if (chat::is_cached(*tool.tool) || chat::is_cached(*tool.function)) {
      list.push_back(cache_point());
    }
  }
  out["toolConfig"]["tools"] = std::move(list);
  Json value;
  if (choice.kind == "auto") value["auto"] = Json::object();
  if (choice.kind == "required") value["any"] = Json::object();
  if (choice.kind == "named") value["tool"]["name"] = choice.name;
  if (!value.is_null()) out["toolConfig"]["toolChoice"] = std::move(value);
  return {};
}

Status append_inference_config(const Json& chat, Json& out) {
  Json config = Json::object();
  if (const auto limit = chat::max_tokens(chat)) config["maxTokens"] = *limit;
  json::copy_member(chat, "temperature", config, "temperature");
  json::copy_member(chat, "top_p", config, "topP");
  ASSIGN_OR_RETURN(const std::vector<std::string> stop, chat::stop_strings(chat));
  if (!stop.empty()) config["stopSequences"] = stop;
  if (!config.empty()) out["inferenceConfig"] = std::move(config);

  Json more = Json::object();
  json::copy_member(chat, "thinking", more, "thinking");
  json::copy_member(chat, "reasoning_effort", more, "reasoning_config");
  if (!more.empty()) out["additionalModelRequestFields"] = std::move(more);
  const std::string tier = json::string_member(chat, "service_tier");
  if (!tier.empty()) out["serviceTier"]["type"] = tier;
  return {};
}

}  // namespace

Result<Json> request_from_chat(const Json& chat) {
  Json out = Json::object();
  RETURN_IF_ERROR(append_messages(chat, out));
  RETURN_IF_ERROR(append_inference_config(chat, out));
  RETURN_IF_ERROR(append_tools(chat, out));
  return out;
}

}  // namespace nacelle::provider::bedrock
