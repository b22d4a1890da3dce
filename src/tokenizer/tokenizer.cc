#include "tokenizer/tokenizer.h"

#include <algorithm>

#include "base/file.h"
#include "base/utf8.h"
#include "tokenizer/tokenizer_parts.h"

namespace nacelle::tokenizer {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{256} << 20;

// The content of an optional file of the folder; nullopt when it is not there.
Result<std::optional<std::string>> read_optional(const std::filesystem::path& path) {
  Result<std::string> content = read_file(path, kMaxFileBytes);
  if (content.ok()) return std::optional<std::string>(*std::move(content));
  if (content.error().code() == Code::kNotFound) return std::optional<std::string>();
  return content.error();
}

// Every NAME.jinja of the folder, which need not be there.
Status add_chat_templates(const std::filesystem::path& folder, TokenizerConfig& config) {
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    if (it->path().extension() != ".jinja") continue;
    ASSIGN_OR_RETURN(std::string text, read_file(it->path(), kMaxFileBytes));
    config.chat_templates[it->path().stem().string()] = std::move(text);
  }
  return Status();
}

}  // namespace

Tokenizer::Tokenizer(std::unique_ptr<const Parts> parts) : parts_(std::move(parts)) {}
Tokenizer::~Tokenizer() = default;

Result<std::shared_ptr<const Tokenizer>> Tokenizer::load(const std::filesystem::path& model_dir) {
  const auto path_of = [&](const char* name) { return model_dir / name; };
  Result<std::string> tokenizer_json = read_file(path_of("tokenizer.json"), kMaxFileBytes);
  if (!tokenizer_json.ok()) {
    if (tokenizer_json.error().code() != Code::kNotFound) return tokenizer_json.error();
    return not_found("{} has no tokenizer.json: looked for {}", model_dir.string(),
                     path_of("tokenizer.json").string());
  }
  TokenizerConfig config;
  ASSIGN_OR_RETURN(const auto config_json, read_optional(path_of("tokenizer_config.json")));
  if (config_json) {
    Result<TokenizerConfig> parsed = parse_tokenizer_config(*config_json);
    if (!parsed.ok()) return parsed.error().with_context(path_of("tokenizer_config.json").string());
    config = *std::move(parsed);
  }
  ASSIGN_OR_RETURN(const auto map_json, read_optional(path_of("special_tokens_map.json")));
  if (map_json) {
    const Status status = add_special_tokens_map(*map_json, config);
    if (!status.ok()) return status.with_context(path_of("special_tokens_map.json").string());
  }
  ASSIGN_OR_RETURN(auto chat_template, read_optional(path_of("chat_template.jinja")));
  if (chat_template) config.chat_templates["default"] = *std::move(chat_template);
  RETURN_IF_ERROR(add_chat_templates(path_of("additional_chat_templates"), config));

  auto parts = Parts::from_json(*tokenizer_json, std::move(config));
  if (!parts.ok()) return parts.error().with_context(path_of("tokenizer.json").string());
  return std::shared_ptr<const Tokenizer>(new Tokenizer(*std::move(parts)));
}

Result<std::shared_ptr<const Tokenizer>> Tokenizer::from_json(
    std::string_view tokenizer_json, std::string_view tokenizer_config_json) {
  Result<TokenizerConfig> config = parse_tokenizer_config(tokenizer_config_json);
  if (!config.ok()) return config.error().with_context("tokenizer_config.json");
  auto parts = Parts::from_json(tokenizer_json, *std::move(config));
  if (!parts.ok()) return parts.error().with_context("tokenizer.json");
  return std::shared_ptr<const Tokenizer>(new Tokenizer(*std::move(parts)));
}

std::vector<TokenId> Tokenizer::encode(std::string_view text, EncodeOptions options) const {
  std::string sanitized;
  if (!simdjson::validate_utf8(text.data(), text.size())) {
    sanitized = sanitize_utf8(text);
    text = sanitized;
  }
  const auto special = options.parse_special ? SpecialTokens::kParsed : SpecialTokens::kPlainText;
  Scratch& scratch = Scratch::for_model(parts_->model_number);
  std::vector<TokenId> ids;
  ids.reserve(text.size() / 3 + 8);
  std::vector<AddedVocabulary::Segment> segments;
  parts_->added.split_raw(text, special, segments);
  for (const auto& segment : segments) parts_->encode_segment(segment, special, scratch, ids);
  scratch.trim();
  if (options.add_special_tokens) parts_->post_processor.apply(ids);
  return ids;
}

std::vector<std::string_view> Tokenizer::independent_pieces(std::string_view text,
                                                            std::size_t min_bytes) const {
  if (!simdjson::validate_utf8(text.data(), text.size())) return {text};
  std::vector<AddedVocabulary::Segment> segments;
  parts_->added.split_raw(text, SpecialTokens::kParsed, segments);
  std::vector<std::string_view> pieces;
  std::size_t begin = 0;
  for (const AddedVocabulary::Segment& segment : segments) {
    const auto at = static_cast<std::size_t>(segment.text.data() - text.data());
    if (segment.id < 0 || at - begin < min_bytes || at == begin) continue;
    const AddedToken* token = parts_->added.find(segment.id);
    if (token->lstrip || token->single_word) continue;
    pieces.push_back(text.substr(begin, at - begin));
    begin = at;
  }
  pieces.push_back(text.substr(begin));
  return pieces;
}

std::string Tokenizer::decode(std::span<const TokenId> ids, DecodeOptions options) const {
  DecodeStream stream(parts_->decoder, ByteMode::kExact);
  for (const TokenId id : ids) {
    if (options.skip_special_tokens && is_special(id)) continue;
    if (const auto token = parts_->token(id)) stream.push(*token);
  }
  stream.finish();
  return stream.take();
}

std::string Tokenizer::token_text(TokenId id, TokenPlace place) const {
  const auto token = parts_->token(id);
  if (!token) return {};
  // A token before it takes the place of the first one; its text is cut off again.
  constexpr std::string_view kBefore = "x";
  DecodeStream stream(parts_->decoder, ByteMode::kRaw);
  if (place == TokenPlace::kInside) stream.push(kBefore);
  stream.push(*token);
  stream.finish();
  std::string text = stream.take();
  if (place == TokenPlace::kInside && text.starts_with(kBefore)) text.erase(0, kBefore.size());
  return text;
}

std::optional<TokenId> Tokenizer::token_to_id(std::string_view token) const {
  if (const AddedToken* added = parts_->added.find(token)) return added->id;
  return parts_->model->vocabulary().find(token);
}

std::optional<std::string_view> Tokenizer::id_to_token(TokenId id) const {
  return parts_->token(id);
}

std::size_t Tokenizer::vocab_size() const {
  return std::max(parts_->model->vocabulary().id_limit(), parts_->added.id_limit());
}

bool Tokenizer::is_special(TokenId id) const {
  const AddedToken* token = parts_->added.find(id);
  return token != nullptr && token->special;
}

const TokenizerConfig& Tokenizer::config() const { return parts_->config; }

}  // namespace nacelle::tokenizer
