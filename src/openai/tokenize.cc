#include "openai/tokenize.h"

#include "openai/json_writer.h"
#include "openai/wire/template_reader.h"

namespace nacelle::openai {
namespace {

using wire::Field;

struct Reader {
  TokenizeRequest out;
  std::optional<std::string> prompt;
  std::optional<bool> add_special_tokens;
};

template <auto Member>
Check own(Reader& reader, const Field& field) {
  return wire::read(field, reader.*Member);
}

template <auto Member>
Check request(Reader& reader, const Field& field) {
  return wire::read(field, reader.out.*Member);
}

const wire::FieldTable<Reader>& own_fields() {
  static const wire::FieldTable<Reader> table = {
      {"model", &request<&TokenizeRequest::model>},
      {"return_token_strs", &request<&TokenizeRequest::return_token_strs>},
      {"prompt", &own<&Reader::prompt>},
      {"add_special_tokens", &own<&Reader::add_special_tokens>},
  };
  return table;
}

}  // namespace

Parsed<TokenizeRequest> parse_tokenize_request(std::string_view body, const ChatPolicy& policy) {
  Parsed<wire::Document> document = wire::Document::parse(body);
  if (!document) return document.error();

  Reader reader;
  TemplateFields conversation;
  wire::TemplateReader prompt(conversation);
  for (const auto& pair : document->root()) {
    const Field field{pair.key, pair.value};
    if (const auto entry = own_fields().find(pair.key); entry != own_fields().end()) {
      if (Check bad = entry->second(reader, field)) return *bad;
    } else if (Check bad = prompt.read(field)) {
      return *bad;
    }
  }
  if (reader.prompt) {
    reader.out.add_special_tokens = reader.add_special_tokens.value_or(true);
    reader.out.input = std::move(*reader.prompt);
    return std::move(reader.out);
  }
  if (conversation.messages.is_null()) {
    return body_error("Either prompt or messages must be provided.", "prompt");
  }
  if (Check bad = prompt.validate(policy)) return *bad;
  conversation.add_special_tokens = reader.add_special_tokens.value_or(false);
  reader.out.input = std::move(conversation);
  return std::move(reader.out);
}

Parsed<DetokenizeRequest> parse_detokenize_request(std::string_view body) {
  static const wire::FieldTable<DetokenizeRequest> table = {
      {"model", &wire::bind<&DetokenizeRequest::model>},
      {"tokens", &wire::bind<&DetokenizeRequest::tokens>},
  };
  Parsed<wire::Document> document = wire::Document::parse(body);
  if (!document) return document.error();
  simdjson::dom::element tokens;
  if (document->root().at_key("tokens").get(tokens) || tokens.is_null()) {
    return body_error("tokens: Field required.", "tokens");
  }
  DetokenizeRequest out;
  if (Check bad = wire::read_fields(document->root(), table, out)) return *bad;
  for (const std::int64_t token : out.tokens) {
    if (token < 0) {
      return body_error(
          fmt::format("tokens: Input should be greater than or equal to 0, got {}.", token),
          "tokens");
    }
  }
  return out;
}

std::string to_json(const TokenizeResponse& response) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  json.key("count").integer(static_cast<std::int64_t>(response.tokens.size()));
  json.key("max_model_len").integer(response.max_model_len);
  json.key("tokens").begin_array();
  for (const TokenId token : response.tokens) json.integer(token);
  json.end_array();
  json.key("token_strs");
  if (response.token_strs) {
    json.begin_array();
    for (const std::string& text : *response.token_strs) json.string(text);
    json.end_array();
  } else {
    json.null();
  }
  json.end_object();
  return out;
}

std::string detokenize_json(std::string_view prompt) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  json.key("prompt").string(prompt);
  json.end_object();
  return out;
}

}  // namespace nacelle::openai
