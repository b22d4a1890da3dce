#include "tokenizer/tokenizer_config.h"

#include <algorithm>
#include <charconv>

#include "tokenizer/json/json_node.h"

namespace nacelle::tokenizer {
namespace {

// Larger limits mean "none": transformers writes int(1e30).
constexpr double kNoLimit = 1e15;

Result<simdjson::dom::element> parse(simdjson::dom::parser& parser, std::string_view json) {
  simdjson::dom::element root;
  if (const auto error = parser.parse(json.data(), json.size()).get(root);
      error != simdjson::SUCCESS) {
    return invalid_argument("not JSON: {}", simdjson::error_message(error));
  }
  if (!root.is_object()) return invalid_argument("expected an object");
  return root;
}

// "<s>" or {"content": "<s>", ...}.
Result<std::string> token_text(const JsonNode& node) {
  if (node.is_object()) {
    ASSIGN_OR_RETURN(const AddedToken token, parse_added_token(node));
    return token.content;
  }
  ASSIGN_OR_RETURN(const std::string_view text, node.string());
  return std::string(text);
}

Status read_named_tokens(const JsonNode& root, TokenizerConfig& config) {
  for (const auto [key, value] : root.element().get_object()) {
    const bool text_or_token = value.is_string() || value.is_object();
    if (!key.ends_with("_token") || !text_or_token) continue;
    ASSIGN_OR_RETURN(std::string text, token_text(JsonNode(value, std::string(key))));
    config.special_tokens.insert_or_assign(std::string(key), std::move(text));
  }
  for (const std::string_view key : {"additional_special_tokens", "extra_special_tokens"}) {
    const auto list = root.find(key);
    if (!list) continue;
    if (list->is_object()) {  // names for model-specific tokens, as multimodal models have
      for (const auto [name, value] : list->element().get_object()) {
        ASSIGN_OR_RETURN(std::string text,
                         token_text(JsonNode(value, fmt::format("{}.{}", list->path(), name))));
        config.special_tokens.insert_or_assign(std::string(name), std::move(text));
      }
      continue;
    }
    ASSIGN_OR_RETURN(const std::vector<JsonNode> items, list->items());
    config.extra_special_tokens.clear();
    for (const JsonNode& item : items) {
      ASSIGN_OR_RETURN(std::string text, token_text(item));
      config.extra_special_tokens.push_back(std::move(text));
    }
  }
  return Status();
}

Status read_chat_templates(const JsonNode& root, TokenizerConfig& config) {
  const auto node = root.find("chat_template");
  if (!node) return Status();
  if (node->is_string()) {
    ASSIGN_OR_RETURN(const std::string_view text, node->string());
    config.chat_templates["default"] = text;
    return Status();
  }
  ASSIGN_OR_RETURN(const std::vector<JsonNode> items, node->items());
  for (const JsonNode& item : items) {
    ASSIGN_OR_RETURN(const JsonNode name_node, item.member("name"));
    ASSIGN_OR_RETURN(const std::string_view name, name_node.string());
    ASSIGN_OR_RETURN(const JsonNode text_node, item.member("template"));
    ASSIGN_OR_RETURN(const std::string_view text, text_node.string());
    config.chat_templates[std::string(name)] = text;
  }
  return Status();
}

Status read_added_tokens(const JsonNode& root, TokenizerConfig& config) {
  const auto node = root.find("added_tokens_decoder");
  if (!node) return Status();
  if (!node->is_object()) return node->error("expected an object of ids and tokens");
  config.has_added_tokens_decoder = true;
  for (const auto [key, value] : node->element().get_object()) {
    const JsonNode entry(value, fmt::format("{}.{}", node->path(), key));
    ASSIGN_OR_RETURN(AddedToken token, parse_added_token(entry));
    std::int64_t id = -1;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (error != std::errc() || end != key.data() + key.size() || id < 0 || id > kMaxTokenId) {
      return entry.error(fmt::format("the id is not an integer in 0..{}", kMaxTokenId));
    }
    token.id = static_cast<TokenId>(id);
    config.added_tokens.push_back(std::move(token));
  }
  std::stable_sort(config.added_tokens.begin(), config.added_tokens.end(),
                   [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
  return Status();
}

Result<std::optional<bool>> optional_boolean(const JsonNode& root, std::string_view key) {
  const auto node = root.find(key);
  if (!node) return std::optional<bool>();
  ASSIGN_OR_RETURN(const bool value, node->boolean());
  return std::optional<bool>(value);
}

}  // namespace

std::optional<std::string> TokenizerConfig::special(std::string_view name) const {
  const auto it = special_tokens.find(name);
  if (it == special_tokens.end()) return std::nullopt;
  return it->second;
}

Result<TokenizerConfig> parse_tokenizer_config(std::string_view json) {
  simdjson::dom::parser parser;
  // 1000000000000000019884624838656 is beyond simdjson's integers; as a float it parses.
  std::string text(json);
  for (std::size_t at = 0; (at = text.find("\"model_max_length\"", at)) != std::string::npos;
       ++at) {
    std::size_t digits = text.find_first_not_of(": \t\r\n", at + 18);
    std::size_t end = text.find_first_not_of("0123456789", digits);
    if (digits != std::string::npos && end != std::string::npos && end - digits > 18) {
      text.replace(digits, end - digits, "1e30");
    }
  }
  ASSIGN_OR_RETURN(const simdjson::dom::element element, parse(parser, text));
  const JsonNode root(element, "");
  TokenizerConfig config;
  RETURN_IF_ERROR(read_named_tokens(root, config));
  RETURN_IF_ERROR(read_chat_templates(root, config));
  RETURN_IF_ERROR(read_added_tokens(root, config));
  ASSIGN_OR_RETURN(config.add_bos_token, optional_boolean(root, "add_bos_token"));
  ASSIGN_OR_RETURN(config.add_eos_token, optional_boolean(root, "add_eos_token"));
  ASSIGN_OR_RETURN(config.tokenizer_class, root.string_or("tokenizer_class", ""));
  if (const auto node = root.find("model_max_length")) {
    ASSIGN_OR_RETURN(const double value, node->number());
    if (value < 1) return node->error("must be at least 1");
    if (value < kNoLimit) config.model_max_length = static_cast<std::int64_t>(value);
  }
  return config;
}

Status add_special_tokens_map(std::string_view json, TokenizerConfig& config) {
  if (config.has_added_tokens_decoder) return Status();
  simdjson::dom::parser parser;
  ASSIGN_OR_RETURN(const simdjson::dom::element element, parse(parser, json));
  return read_named_tokens(JsonNode(element, ""), config);
}

}  // namespace nacelle::tokenizer
