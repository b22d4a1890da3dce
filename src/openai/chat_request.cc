#include "openai/chat_request.h"

#include "openai/wire/common_fields.h"
#include "openai/wire/template_reader.h"

namespace nacelle::openai {
namespace {

using wire::Field;
using Json = nlohmann::ordered_json;

struct Reader {
  ChatRequest out;
  wire::CommonFields common;
  std::optional<std::int64_t> max_completion_tokens;
  std::optional<std::int64_t> top_logprobs;
  std::optional<std::string> reasoning_effort;
  Json tool_choice;
};

template <auto Member>
Check own(Reader& reader, const Field& field) {
  return wire::read(field, reader.*Member);
}

template <auto Member>
Check chat(Reader& reader, const Field& field) {
  return wire::read(field, reader.out.*Member);
}

const wire::FieldTable<Reader>& own_fields() {
  static const wire::FieldTable<Reader> table = {
      {"max_completion_tokens", &own<&Reader::max_completion_tokens>},
      {"top_logprobs", &own<&Reader::top_logprobs>},
      {"tool_choice", &own<&Reader::tool_choice>},
      {"reasoning_effort", &own<&Reader::reasoning_effort>},
      {"logprobs", &chat<&ChatRequest::logprobs>},
      {"parallel_tool_calls", &chat<&ChatRequest::parallel_tool_calls>},
      {"return_prompt_text", &chat<&ChatRequest::return_prompt_text>},
  };
  return table;
}

Check check_logprobs(const Reader& reader) {
  if (!reader.top_logprobs) return {};
  const std::int64_t top = *reader.top_logprobs;
  if (top < -1) {
    return body_error("`top_logprobs` must be a positive value or -1.", "top_logprobs");
  }
  if (top != 0 && !reader.out.logprobs) {
    return body_error("when using `top_logprobs`, `logprobs` must be set to true.", "top_logprobs");
  }
  return {};
}

bool offers(const Json& tools, const std::string& name) {
  for (const Json& tool : tools) {
    if (tool["function"]["name"] == name) return true;
  }
  return false;
}

// Without a grammar, the model cannot be held to calling a tool.
Error forced_choice_unsupported(std::string_view choice) {
  return value_error(fmt::format("tool_choice=\"{}\" is not supported yet.", choice),
                     "tool_choice");
}

Check resolve_tool_choice(Reader& reader, const ChatPolicy& policy) {
  ChatRequest& out = reader.out;
  const Json& tools = out.prompt.tools;
  const Json& choice = reader.tool_choice;
  std::string word = tools.is_null() ? "none" : "auto";
  if (choice.is_string()) {
    word = choice.get<std::string>();
    if (word != "none" && word != "auto" && word != "required") {
      return body_error(fmt::format("Invalid value for `tool_choice`: {}! Only named tools, "
                                    "\"none\", \"auto\" or \"required\" are supported.",
                                    excerpt(word)),
                        "tool_choice");
    }
  } else if (choice.is_object()) {
    const auto function = choice.find("function");
    if (function == choice.end() || !function->is_object() || !function->contains("name") ||
        !(*function)["name"].is_string()) {
      return body_error(
          "Incorrectly formatted `tool_choice`. Should be like `{\"type\": \"function\", "
          "\"function\": {\"name\": \"my_function\"}}`",
          "tool_choice");
    }
    word = "named";
  } else if (!choice.is_null()) {
    return wire::wrong_type("tool_choice", "a string or an object");
  }

  if (tools.is_null()) {
    if (word == "none") return {};
    return body_error("When using `tool_choice`, `tools` must be set.", "tool_choice");
  }
  if (word == "named") {
    const auto& name = choice["function"]["name"].get_ref<const std::string&>();
    if (!offers(tools, name)) {
      return body_error(
          "The tool specified in `tool_choice` does not match any of the specified `tools`",
          "tool_choice");
    }
    return forced_choice_unsupported(excerpt(name));
  }
  if (word == "required") return forced_choice_unsupported(word);
  if (word == "auto" && !policy.enable_auto_tool_choice) {
    return value_error(
        "\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set",
        "tool_choice");
  }
  out.tool_choice = word == "auto" ? ToolChoice::kAuto : ToolChoice::kNone;
  return {};
}

Check check_reasoning_effort(Reader& reader) {
  if (!reader.reasoning_effort) return {};
  for (std::string_view level : {"none", "minimal", "low", "medium", "high", "xhigh", "max"}) {
    if (*reader.reasoning_effort != level) continue;
    Json& kwargs = reader.out.prompt.chat_template_kwargs;
    if (kwargs.is_null()) kwargs = Json::object();
    if (kwargs.is_object() && !kwargs.contains("reasoning_effort")) {
      kwargs["reasoning_effort"] = level;
    }
    return {};
  }
  return wire::wrong_type("reasoning_effort",
                          "'none', 'minimal', 'low', 'medium', 'high', 'xhigh' or 'max'");
}

}  // namespace

Parsed<ChatRequest> parse_chat_request(std::string_view body, const SamplingLimits& limits,
                                       const ChatPolicy& policy) {
  Parsed<wire::Document> document = wire::Document::parse(body);
  if (!document) return document.error();

  Reader reader;
  const auto& common_table = wire::common_field_table();
  wire::TemplateReader prompt(reader.out.prompt);
  for (const auto& pair : document->root()) {
    const Field field{pair.key, pair.value};
    if (const auto entry = own_fields().find(pair.key); entry != own_fields().end()) {
      if (Check bad = entry->second(reader, field)) return *bad;
    } else if (const auto shared = common_table.find(pair.key); shared != common_table.end()) {
      if (Check bad = shared->second(reader.common, field)) return *bad;
    } else if (Check bad = prompt.read(field)) {
      return *bad;
    }
  }

  ChatRequest& out = reader.out;
  if (Check bad = wire::validate_common(reader.common)) return *bad;
  if (Check bad = check_logprobs(reader)) return *bad;
  if (Check bad = prompt.validate(policy)) return *bad;
  if (Check bad = resolve_tool_choice(reader, policy)) return *bad;
  if (Check bad = check_reasoning_effort(reader)) return *bad;

  out.common = std::move(reader.common.request);
  out.sampling = std::move(reader.common.sampling);
  out.top_logprobs = reader.top_logprobs.value_or(0);
  if (reader.max_completion_tokens) {
    out.sampling.max_tokens = reader.max_completion_tokens;
    out.sampling.max_tokens_name = "max_completion_tokens";
  }
  if (Check bad = validate(out.sampling, out.num_logprobs(), limits)) return *bad;
  return std::move(out);
}

}  // namespace nacelle::openai
