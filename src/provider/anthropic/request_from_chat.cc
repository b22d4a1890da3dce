#include "provider/anthropic/request_from_chat.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "provider/chat/content.h"

namespace nacelle::provider::anthropic {

namespace {

using json::Json;

void keep_cache_control(const Json& from, Json& to) {
  json::copy_member(from, "cache_control", to, "cache_control");
}

Result<Json> media_block(const Json& part, std::string_view url) {
  Json block;
  if (const auto data = chat::parse_data_uri(url)) {
    constexpr std::array<std::string_view, 4> kImages{"image/jpeg", "image/png", "image/gif",
                                                      "image/webp"};
    const bool image = std::find(kImages.begin(), kImages.end(), data->media_type) != kImages.end();
    if (!image && data->media_type != "application/pdf") {
      return unimplemented("images of type '{}' are not supported by this backend",
                           data->media_type);
    }
    block = {
        {"type", image ? "image" : "document"},
        {"source", {{"type", "base64"}, {"media_type", data->media_type}, {"data", data->data}}}};
  } else if (url.starts_with("data:")) {
    return invalid_argument("image_url: a data URI needs a media type and base64 data");
  } else {
    const std::string_view path = url.substr(0, url.find_first_of("?#"));
    block = {{"type", path.ends_with(".pdf") ? "document" : "image"},
             {"source", {{"type", "url"}, {"url", url}}}};
  }
  keep_cache_control(part, block);
  return block;
}

Result<Json> block_of(const Json& part) {
  const std::string type = json::string_member(part, "type");
  if (type == "text") {
    Json block{{"type", "text"}, {"text", json::string_member(part, "text")}};
    keep_cache_control(part, block);
    return block;
  }
  if (type == "refusal") {
    return Json{{"type", "text"}, {"text", json::string_member(part, "refusal")}};
  }
  if (type == "image_url") {
    ASSIGN_OR_RETURN(const std::string url, chat::image_url(part));
    return media_block(part, url);
  }
  if (type == "file") {
    const Json* file = json::object_member(part, "file");
    const std::string data = file == nullptr ? "" : json::string_member(*file, "file_data");
    if (!data.empty()) return media_block(part, data);
  }
  if (type == "thinking" || type == "redacted_thinking") return part;
  return unimplemented("content parts of type '{}' are not supported by this backend", type);
}

Status append_blocks(const Json& message, Json& blocks) {
  const Json* content = json::member(message, "content");
  if (content == nullptr) return {};
  ASSIGN_OR_RETURN(const std::vector<Json> parts, chat::parts_of(*content));
  for (const Json& part : parts) {
    // The API refuses empty text blocks.
    if (json::string_member(part, "type") == "text" && json::string_member(part, "text").empty())
      continue;
    ASSIGN_OR_RETURN(Json block, block_of(part));
    blocks.push_back(std::move(block));
  }
  if (!blocks.empty()) keep_cache_control(message, blocks.back());
  return {};
}

Status append_assistant(const Json& message, Json& blocks) {
  if (const Json* thinking = json::array_member(message, "thinking_blocks")) {
    for (const Json& block : *thinking) blocks.push_back(block);
  }
  RETURN_IF_ERROR(append_blocks(message, blocks));
  ASSIGN_OR_RETURN(std::vector<chat::ToolCall> calls, chat::tool_calls(message));
  for (chat::ToolCall& call : calls) {
    blocks.push_back({{"type", "tool_use"},
                      {"id", std::move(call.id)},
                      {"name", std::move(call.name)},
                      {"input", std::move(call.arguments)}});
  }
  return {};
}

Status append_tool_result(const Json& message, Json& blocks) {
  Json content = Json::array();
  RETURN_IF_ERROR(append_blocks(message, content));
  Json block{{"type", "tool_result"},
             {"tool_use_id", json::string_member(message, "tool_call_id")},
             {"content", content}};
  if (content.size() == 1 && json::string_member(content[0], "type") == "text") {
    const auto value = json::parse_object(json::string_member(content[0], "text"));
    if (value && value->contains("error")) block["is_error"] = true;
  }
  blocks.push_back(std::move(block));
  return {};
}

// Messages of one role in a row become one: the API wants user and assistant to take turns.
Json& turn_of(Json& messages, std::string_view role) {
  if (messages.empty() || json::string_member(messages.back(), "role") != role) {
    messages.push_back({{"role", role}, {"content", Json::array()}});
  }
  return messages.back()["content"];
}

Status append_messages(const Json& chat, Json& out) {
  ASSIGN_OR_RETURN(const Json* messages, chat::messages_of(chat));
  Json system = Json::array();
  Json turns = Json::array();
  for (const Json& message : *messages) {
    const std::string role = json::string_member(message, "role");
    if (role == "system" || role == "developer") {
      RETURN_IF_ERROR(append_blocks(message, system));
    } else if (role == "user") {
      RETURN_IF_ERROR(append_blocks(message, turn_of(turns, "user")));
    } else if (role == "tool") {
      RETURN_IF_ERROR(append_tool_result(message, turn_of(turns, "user")));
    } else if (role == "assistant") {
      RETURN_IF_ERROR(append_assistant(message, turn_of(turns, "assistant")));
    } else {
      return unimplemented("messages of role '{}' are not supported by this backend", role);
    }
  }
  if (turns.empty()) return invalid_argument("messages: at least one message is no system message");
  if (!system.empty()) out["system"] = std::move(system);
  out["messages"] = std::move(turns);
  return {};
}

Status append_tools(const Json& chat, Json& out) {
  ASSIGN_OR_RETURN(const std::vector<chat::Tool> tools, chat::function_tools(chat));
  if (tools.empty()) return {};
  Json list = Json::array();
  for (const chat::Tool& tool : tools) {
    Json entry;
    json::copy_member(*tool.function, "name", entry, "name");
    json::copy_member(*tool.function, "description", entry, "description");
    const Json* schema = json::object_member(*tool.function, "parameters");
    entry["input_schema"] = schema != nullptr ? *schema : Json{{"type", "object"}};
    json::copy_member(*tool.function, "strict", entry, "strict");
    keep_cache_control(*tool.tool, entry);
    keep_cache_control(*tool.function, entry);
    list.push_back(std::move(entry));
  }
  out["tools"] = std::move(list);

  ASSIGN_OR_RETURN(const chat::ToolChoice choice, chat::tool_choice(chat));
  Json value;
  if (choice.kind == "required") value["type"] = "any";
  if (choice.kind == "auto" || choice.kind == "none") value["type"] = choice.kind;
  if (choice.kind == "named") value = {{"type", "tool"}, {"name", choice.name}};
  if (const Json* parallel = json::member(chat, "parallel_tool_calls");
      parallel != nullptr && parallel->is_boolean() && choice.kind != "none") {
    if (value.is_null()) value["type"] = "auto";
    value["disable_parallel_tool_use"] = !parallel->get<bool>();
  }
  if (!value.is_null()) out["tool_choice"] = std::move(value);
  return {};
}

Status append_sampling(const Json& chat, Json& out) {
  if (const Json* temperature = json::member(chat, "temperature")) {
    if (!temperature->is_number()) return invalid_argument("temperature: expected a number");
    const double value = temperature->get<double>();
    if (!(value >= 0 && value <= 1)) {
      return unimplemented("temperature {} is outside 0 to 1, all that this backend takes", value);
    }
    out["temperature"] = *temperature;
  }
  json::copy_member(chat, "top_p", out, "top_p");
  ASSIGN_OR_RETURN(const std::vector<std::string> stop, chat::stop_strings(chat));
  if (!stop.empty()) out["stop_sequences"] = stop;
  json::copy_member(chat, "thinking", out, "thinking");
  return {};
}

Status append_output_config(const Json& chat, std::string_view model, Json& out) {
  const std::string effort = json::string_member(chat, "reasoning_effort");
  if (effort == "minimal") {
    out["output_config"]["effort"] = "low";
  } else if (!effort.empty() && effort != "none") {
    out["output_config"]["effort"] = effort;
  }
  const Json* format = json::object_member(chat, "response_format");
  if (format == nullptr || json::string_member(*format, "type") != "json_schema") return {};
  const Json* named = json::object_member(*format, "json_schema");
  const Json* schema = named == nullptr ? nullptr : json::object_member(*named, "schema");
  if (schema == nullptr)
    return invalid_argument("response_format.json_schema.schema: expected an object");
  if (!supports_json_schema(model)) {
    return unimplemented("response_format json_schema is not supported by model {}", model);
  }
  out["output_config"]["format"] = {{"type", "json_schema"}, {"schema", *schema}};
  return {};
}

}  // namespace

bool supports_json_schema(std::string_view model) {
  constexpr std::string_view kFamily = "claude-";
  const std::size_t at = model.find(kFamily);
  if (at == std::string_view::npos) return true;
  model.remove_prefix(at + kFamily.size());
  if (!model.empty() && model.front() >= '0' && model.front() <= '9') return false;  // claude-3-...
  const bool opus = model.starts_with("opus");
  const std::size_t dash = model.find('-');
  if (dash == std::string_view::npos) return false;
  model.remove_prefix(dash + 1);
  int major = 0;
  const auto [end, error] = std::from_chars(model.data(), model.data() + model.size(), major);
  if (error != std::errc()) return false;
  int minor = 0;
  const std::string_view rest = model.substr(static_cast<std::size_t>(end - model.data()));
  if (rest.size() > 1 && rest.front() == '-') {
    std::from_chars(rest.data() + 1, rest.data() + rest.size(), minor);
    if (minor >= 1000) minor = 0;  // a date
  }
  return major > 4 || (major == 4 && (minor >= 5 || (opus && minor >= 1)));
}

void address_body(Json& body, const RequestFacts& facts, const Backend& backend) {
  const bool streamed = facts.delivery == Delivery::kStreamed;
  if (backend.schema == Schema::kAnthropic) {
    body["model"] = facts.model;
  } else {
    const bool aws = backend.schema == Schema::kAwsAnthropic;
    body.erase("model");
    const std::string_view fallback = aws ? "bedrock-2023-05-31" : "vertex-2023-10-16";
    body["anthropic_version"] = backend.version.empty() ? fallback : backend.version;
  }
  if (streamed && backend.schema != Schema::kAwsAnthropic) {
    body["stream"] = true;
  } else {
    body.erase("stream");
  }
}

Result<Json> request_from_chat(const Json& chat, const RequestFacts& facts,
                               const Backend& backend) {
  Json out = Json::object();
  address_body(out, facts, backend);
  out["max_tokens"] = chat::max_tokens(chat).value_or(0);
  RETURN_IF_ERROR(append_messages(chat, out));
  RETURN_IF_ERROR(append_sampling(chat, out));
  RETURN_IF_ERROR(append_tools(chat, out));
  RETURN_IF_ERROR(append_output_config(chat, facts.model, out));
  return out;
}

}  // namespace nacelle::provider::anthropic
