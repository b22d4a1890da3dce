#include "tokenizer/model/wordpiece.h"

#include "base/utf8.h"

namespace nacelle::tokenizer {
namespace {

Result<TokenId> find_unk(const JsonNode& node, const Vocabulary& vocabulary,
                         std::string_view fallback) {
  ASSIGN_OR_RETURN(const std::string unk, node.string_or("unk_token", fallback));
  const auto id = vocabulary.find(unk);
  if (!id) return node.error(fmt::format("unk_token \"{}\" is not in the vocabulary", unk));
  return *id;
}

}  // namespace

WordPiece::WordPiece(Vocabulary vocabulary, TokenId unk_id, std::size_t max_chars,
                     std::string_view prefix)
    : Model(std::move(vocabulary)), unk_id_(unk_id), max_chars_(max_chars) {
  std::vector<Trie::Entry> first, inner;
  for (std::size_t i = 0; i < vocabulary_.id_limit(); ++i) {
    const auto text = vocabulary_.text(static_cast<TokenId>(i));
    if (!text) continue;
    const TokenId id = *vocabulary_.find(*text);
    first.push_back({*text, id});
    if (text->starts_with(prefix)) inner.push_back({text->substr(prefix.size()), id});
  }
  first_ = Trie(std::move(first));
  inner_ = Trie(std::move(inner));
}

Result<std::unique_ptr<Model>> WordPiece::from_json(const JsonNode& node) {
  ASSIGN_OR_RETURN(const JsonNode vocab_node, node.member("vocab"));
  ASSIGN_OR_RETURN(Vocabulary vocabulary, Vocabulary::from_json(vocab_node));
  ASSIGN_OR_RETURN(const TokenId unk_id, find_unk(node, vocabulary, "[UNK]"));
  ASSIGN_OR_RETURN(const std::string prefix, node.string_or("continuing_subword_prefix", "##"));
  std::int64_t max_chars = 100;
  if (const auto limit = node.find("max_input_chars_per_word")) {
    ASSIGN_OR_RETURN(max_chars, limit->integer(0, 1'000'000));
  }
  return std::unique_ptr<Model>(
      new WordPiece(std::move(vocabulary), unk_id, static_cast<std::size_t>(max_chars), prefix));
}

void WordPiece::encode_word(std::string_view word, Scratch&, std::vector<TokenId>& out) const {
  const std::size_t before = out.size();
  bool even = word.size() <= max_chars_ || utf8_length(word) <= max_chars_;
  for (std::size_t pos = 0; even && pos < word.size();) {
    const Trie::Found found = (pos == 0 ? first_ : inner_).longest(word, pos);
    even = found.length > 0;
    if (even) out.push_back(found.id);
    pos += found.length;
  }
  if (even) return;
  out.resize(before);
  out.push_back(unk_id_);
}

Result<std::unique_ptr<Model>> WordLevel::from_json(const JsonNode& node) {
  ASSIGN_OR_RETURN(const JsonNode vocab_node, node.member("vocab"));
  ASSIGN_OR_RETURN(Vocabulary vocabulary, Vocabulary::from_json(vocab_node));
  ASSIGN_OR_RETURN(const TokenId unk_id, find_unk(node, vocabulary, "<unk>"));
  return std::unique_ptr<Model>(new WordLevel(std::move(vocabulary), unk_id));
}

void WordLevel::encode_word(std::string_view word, Scratch&, std::vector<TokenId>& out) const {
  out.push_back(vocabulary_.find(word).value_or(unk_id_));
}

}  // namespace nacelle::tokenizer
