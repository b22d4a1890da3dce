#include "provider/gemini/generation_config.h"

#include <array>

#include "provider/chat/content.h"

namespace nacelle::provider::gemini {

namespace {

using json::Json;

bool takes_json_schema(std::string_view model) {
  return model.find("gemini-2.5") != std::string_view::npos ||
         model.find("gemini-3") != std::string_view::npos;
}

void set_json_schema(const Json& schema, std::string_view model, Json& out) {
  out["responseMimeType"] = "application/json";
  if (takes_json_schema(model)) {
    out["responseJsonSchema"] = schema;
  } else {
    out["responseSchema"] = response_schema(schema);
  }
}

Status append_format(const Json& chat, std::string_view model, Json& out) {
  const Json* format = json::object_member(chat, "response_format");
  const Json* choice = json::array_member(chat, "guided_choice");
  const Json* regex = json::member(chat, "guided_regex");
  const Json* guided_json = json::member(chat, "guided_json");
  const int asked =
      (format != nullptr) + (choice != nullptr) + (regex != nullptr) + (guided_json != nullptr);
  if (asked > 1) {
    return unimplemented(
        "at most one of response_format, guided_choice, guided_regex and guided_json");
  }
  if (choice != nullptr) {
    out["responseMimeType"] = "text/x.enum";
    out["responseSchema"] = {{"type", "STRING"}, {"enum", *choice}};
  } else if (regex != nullptr) {
    out["responseMimeType"] = "application/json";
    out["responseSchema"] = {{"type", "STRING"}, {"pattern", *regex}};
  } else if (guided_json != nullptr) {
    out["responseMimeType"] = "application/json";
    out["responseJsonSchema"] = *guided_json;
  } else if (format != nullptr) {
    const std::string type = json::string_member(*format, "type");
    if (type == "text") {
      out["responseMimeType"] = "text/plain";
    } else if (type == "json_object") {
      out["responseMimeType"] = "application/json";
    } else if (type == "json_schema") {
      const Json* named = json::object_member(*format, "json_schema");
      const Json* schema = named == nullptr ? nullptr : json::object_member(*named, "schema");
      if (schema == nullptr) {
        return invalid_argument("response_format.json_schema.schema: expected an object");
      }
      set_json_schema(*schema, model, out);
    } else {
      return unimplemented("response_format of type '{}' is not supported by this backend", type);
    }
  }
  return {};
}

void append_thinking(const Json& chat, std::string_view model, Json& out) {
  if (const Json* thinking = json::object_member(chat, "thinking")) {
    const bool enabled = json::string_member(*thinking, "type") == "enabled";
    if (enabled) out["thinkingConfig"]["includeThoughts"] = true;
    json::copy_member(*thinking, "budget_tokens", out["thinkingConfig"], "thinkingBudget");
    if (!enabled) out["thinkingConfig"]["thinkingBudget"] = 0;
  }
  const std::string effort = json::string_member(chat, "reasoning_effort");
  if (effort.empty() || model.find("gemini-3") == std::string_view::npos) return;
  const bool flash = model.find("flash") != std::string_view::npos;
  std::string level = effort;
  if (effort == "none" || effort == "minimal") level = flash ? "minimal" : "low";
  if (effort == "medium" && !flash) level = "high";
  if (effort == "xhigh" || effort == "max") level = "high";
  out["thinkingConfig"]["thinkingLevel"] = level;
}

}  // namespace

Json response_schema(const Json& schema) {
  if (!schema.is_object()) return schema;
  Json out = Json::object();
  for (const auto& [key, value] : schema.items()) {
    if (key == "$schema" || key == "additionalProperties" || key == "strict") continue;
    if (key == "type" && value.is_string()) {
      std::string type = value.get<std::string>();
      for (char& c : type) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
      out["type"] = std::move(type);
    } else if (key == "type" && value.is_array()) {
      for (const Json& entry : value) {
        if (entry == "null") {
          out["nullable"] = true;
        } else {
          out.update(response_schema(Json{{"type", entry}}));
        }
      }
    } else if (key == "properties" && value.is_object()) {
      out["properties"] = Json::object();
      for (const auto& [name, property] : value.items()) {
        out["properties"][name] = response_schema(property);
      }
    } else if (key == "anyOf" && value.is_array()) {
      out["anyOf"] = Json::array();
      for (const Json& entry : value) out["anyOf"].push_back(response_schema(entry));
    } else {
      out[key] = key == "items" ? response_schema(value) : value;
    }
  }
  return out;
}

Result<Json> generation_config(const Json& chat, std::string_view model) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kNames{{
      {"temperature", "temperature"},
      {"top_p", "topP"},
      {"top_k", "topK"},
      {"n", "candidateCount"},
      {"seed", "seed"},
      {"presence_penalty", "presencePenalty"},
      {"frequency_penalty", "frequencyPenalty"},
      {"logprobs", "responseLogprobs"},
      {"top_logprobs", "logprobs"},
  }};
  Json out = Json::object();
  for (const auto& [from, to] : kNames) json::copy_member(chat, from, out, to);
  if (const auto limit = chat::max_tokens(chat)) out["maxOutputTokens"] = *limit;
  ASSIGN_OR_RETURN(const std::vector<std::string> stop, chat::stop_strings(chat));
  if (!stop.empty()) out["stopSequences"] = stop;
  RETURN_IF_ERROR(append_format(chat, model, out));
  append_thinking(chat, model, out);
  if (const Json* vendor = json::object_member(chat, "generationConfig")) {
    json::copy_member(*vendor, "mediaResolution", out, "mediaResolution");
  }
  return out;
}

}  // namespace nacelle::provider::gemini
