#include "router/request_body.h"

#include <simdjson.h>

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

namespace nacelle::router {
namespace {

namespace ondemand = simdjson::ondemand;

struct Claim {
  std::string_view suffix;
  Api api;
};

// Longest first where one ends in another.
constexpr std::array kClaims = {
    Claim{"chat/completions/render", Api::kChat},
    Claim{"completions/render", Api::kCompletions},
    Claim{"chat/completions", Api::kChat},
    Claim{"completions", Api::kCompletions},
    Claim{"embeddings", Api::kEmbeddings},
    Claim{"responses", Api::kResponses},
    Claim{"messages/count_tokens", Api::kCountTokens},
    Claim{"messages", Api::kMessages},
    Claim{"inference/v1/generate", Api::kGenerate},
};

// On a boundary between segments of the path.
bool claims(std::string_view path, std::string_view suffix) {
  if (!path.ends_with(suffix)) return false;
  return path.size() == suffix.size() || path[path.size() - suffix.size() - 1] == '/';
}

// The value's text as it stands in the body.
std::string_view raw(ondemand::value value) {
  ondemand::json_type type;
  if (value.type().get(type) != simdjson::SUCCESS) return {};
  std::string_view text;
  if (type == ondemand::json_type::array) {
    ondemand::array array;
    if (value.get_array().get(array) != simdjson::SUCCESS) return {};
    if (array.raw_json().get(text)) return {};
    return text.substr(0, text.rfind(']') + 1);  // white space may follow
  }
  if (type != ondemand::json_type::string) return {};
  text = value.raw_json_token();
  const std::size_t end = text.rfind('"');
  return end == std::string_view::npos ? std::string_view() : text.substr(0, end + 1);
}

bool is_empty(std::string_view raw) {
  if (raw.empty() || raw == "\"\"") return true;
  return raw.front() == '[' && raw.find_first_not_of(" \t\r\n", 1) == raw.size() - 1;
}

// The member that holds the prompt, and what upstream says when it is missing.
struct PromptRule {
  std::string_view member;
  std::string_view complaint;
};

PromptRule prompt_rule(Api api) {
  switch (api) {
    case Api::kChat:
      return {"messages", "invalid chat-completions request: must have at least one message"};
    case Api::kCompletions:
      return {"prompt", "invalid completions request: must have prompt field"};
    case Api::kEmbeddings:
      return {"input", "invalid embeddings request: must have input field"};
    case Api::kResponses:
      return {"input", "invalid responses request: must have input field"};
    case Api::kMessages:
      return {"messages", "invalid messages request: must have at least one message"};
    case Api::kGenerate:
      return {"token_ids", "invalid generate request: must have token_ids field"};
    case Api::kCountTokens:
    case Api::kOther:
      return {};
  }
  return {};
}

bool is_output_cap(Api api, std::string_view key) {
  if (api == Api::kResponses) return key == "max_output_tokens";
  if (api == Api::kChat) return key == "max_completion_tokens" || key == "max_tokens";
  return key == "max_tokens";
}

}  // namespace

Api api_of(std::string_view path) {
  path = path.substr(0, path.find_first_of("?#"));
  if (path.empty()) return Api::kCompletions;
  for (const Claim& claim : kClaims) {
    if (claims(path, claim.suffix)) return claim.api;
  }
  return Api::kOther;
}

struct RequestBodyReader::Impl {
  ondemand::parser parser;
};

RequestBodyReader::RequestBodyReader() : impl_(std::make_unique<Impl>()) {}
RequestBodyReader::~RequestBodyReader() = default;

Result<RequestBody> RequestBodyReader::read(std::string_view path, std::string& body) {
  RequestBody out;
  out.api = api_of(path);
  const PromptRule rule = prompt_rule(out.api);
  if (rule.member.empty()) return out;

  body.reserve(body.size() + simdjson::SIMDJSON_PADDING);
  const simdjson::padded_string_view padded(body.data(), body.size(), body.capacity());
  const auto broken = [](std::string_view why) {
    return invalid_argument("error unmarshaling request bodyMap: {}", why);
  };
  ondemand::document document;
  if (const auto error = impl_->parser.iterate(padded).get(document)) {
    return broken(simdjson::error_message(error));
  }
  ondemand::object object;
  if (document.get_object().get(object)) return broken("the body is not a JSON object");
  bool has_better_cap = false;
  for (auto item : object) {
    ondemand::field field;
    if (const auto error = std::move(item).get(field)) {
      return broken(simdjson::error_message(error));
    }
    std::string_view key;
    if (const auto error = field.unescaped_key().get(key)) {
      return broken(simdjson::error_message(error));
    }
    std::string_view text;
    if (key == "model") {
      if (!field.value().get_string().get(text)) out.model = text;
    } else if (key == "cache_salt") {
      if (!field.value().get_string().get(text)) out.cache_salt = text;
    } else if (key == "stream") {
      bool stream = false;
      if (!field.value().get_bool().get(stream)) out.stream = stream;
    } else if (key == rule.member) {
      out.prompt = raw(field.value());
    } else if (is_output_cap(out.api, key) && !has_better_cap) {
      std::uint64_t cap = 0;
      if (!field.value().get_uint64().get(cap)) out.max_output_tokens = cap;
      has_better_cap = key != "max_tokens";
    }
  }
  const char* behind = nullptr;  // an error means that nothing is
  if (!document.current_location().get(behind)) return broken("bytes follow the JSON object");
  if (is_empty(out.prompt)) return invalid_argument("{}", rule.complaint);
  return out;
}

Result<std::string> with_model(std::string_view body, std::string_view model) {
  nlohmann::json object = nlohmann::json::parse(body, nullptr, false);
  if (!object.is_object()) return invalid_argument("the body is not a JSON object");
  object["model"] = model;
  const std::string plain = object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::string out;
  out.reserve(plain.size());
  for (const char c : plain) {
    switch (c) {
      case '<':
        out += "\\u003c";
        break;
      case '>':
        out += "\\u003e";
        break;
      case '&':
        out += "\\u0026";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace nacelle::router
