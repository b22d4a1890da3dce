#include "gateway/request_inspector.h"

#include <simdjson.h>

#include "provider/form_data.h"

namespace nacelle::gateway {

struct RequestInspector::Impl {
  simdjson::ondemand::parser parser;
};

namespace {

// The value's text as it stands in the body: a string with its quotes, or a whole array.
std::string_view raw_value(simdjson::ondemand::value& value) {
  simdjson::ondemand::json_type type;
  if (value.type().get(type) != simdjson::SUCCESS) return {};
  if (type == simdjson::ondemand::json_type::array) {
    simdjson::ondemand::array array;
    std::string_view text;
    if (value.get_array().get(array) != simdjson::SUCCESS) return {};
    return array.raw_json().get(text) == simdjson::SUCCESS ? text : std::string_view();
  }
  if (type != simdjson::ondemand::json_type::string) return {};
  std::string_view token = value.raw_json_token();
  const std::size_t end = token.rfind('"');  // white space up to the next token follows
  return end == std::string_view::npos ? std::string_view() : token.substr(0, end + 1);
}

}  // namespace

RequestInspector::RequestInspector() : impl_(std::make_unique<Impl>()) {}
RequestInspector::~RequestInspector() = default;

namespace {

// The APIs' names for one thing; max_tokens is the older one of chat completions.
bool is_output_cap(std::string_view key) {
  return key == "max_tokens" || key == "max_completion_tokens" || key == "max_output_tokens";
}
bool is_prompt(std::string_view key) {
  return key == "prompt" || key == "messages" || key == "input" || key == "token_ids";
}

}  // namespace

RequestFacts RequestInspector::inspect(std::string& body) {
  RequestFacts facts;
  body.reserve(body.size() + simdjson::SIMDJSON_PADDING);
  simdjson::ondemand::document document;
  simdjson::ondemand::object object;
  const simdjson::padded_string_view padded(body.data(), body.size(), body.capacity());
  if (impl_->parser.iterate(padded).get(document) != simdjson::SUCCESS) return facts;
  if (document.get_object().get(object) != simdjson::SUCCESS) return facts;
  for (auto item : object) {
    simdjson::ondemand::field field;
    if (std::move(item).get(field) != simdjson::SUCCESS) return facts;
    std::string_view key, text;
    if (field.unescaped_key().get(key) != simdjson::SUCCESS) return facts;
    if (key == "model") {
      if (field.value().get_string().get(text) == simdjson::SUCCESS) facts.model = text;
    } else if (key == "cache_salt") {
      if (field.value().get_string().get(text) == simdjson::SUCCESS) facts.cache_salt = text;
    } else if (key == "stream") {
      bool stream = false;
      if (field.value().get_bool().get(stream) == simdjson::SUCCESS) facts.stream = stream;
    } else if (is_prompt(key)) {
      const std::string_view prompt = raw_value(field.value());
      if (!prompt.empty()) facts.prompt = prompt;
    } else if (is_output_cap(key)) {
      std::uint64_t cap = 0;
      const bool older = key == "max_tokens" && facts.max_output_tokens > 0;
      if (!older && field.value().get_uint64().get(cap) == simdjson::SUCCESS)
        facts.max_output_tokens = cap;
    }
  }
  return facts;
}

RequestFacts form_facts(std::string_view content_type, std::string_view body) {
  RequestFacts facts;
  const auto boundary = provider::form::boundary_of(content_type);
  if (!boundary) return facts;
  auto fields = provider::form::read_fields(body, *boundary);
  if (!fields) return facts;
  facts.model = std::move(fields->model);
  facts.stream = fields->stream;
  return facts;
}

}  // namespace nacelle::gateway
