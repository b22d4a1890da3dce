#include "tokenizer/added/added_vocabulary.h"

#include <algorithm>
#include <cstring>

#include "tokenizer/unicode/char_class.h"
#include "tokenizer/unicode/utf8_cursor.h"

namespace nacelle::tokenizer {
namespace {

bool word_before(std::string_view text, std::size_t pos) {
  return pos > 0 && is_word(decode_valid(text.data() + previous_char(text, pos)).code_point);
}

bool word_at(std::string_view text, std::size_t pos) {
  return pos < text.size() && is_word(decode_valid(text.data() + pos).code_point);
}

// Not before `least`.
std::size_t spaces_before(std::string_view text, std::size_t pos, std::size_t least) {
  while (pos > least) {
    const std::size_t previous = previous_char(text, pos);
    if (!is_white_space(decode_valid(text.data() + previous).code_point)) break;
    pos = previous;
  }
  return pos;
}

std::size_t spaces_behind(std::string_view text, std::size_t pos) {
  while (pos < text.size()) {
    const DecodedChar d = decode_valid(text.data() + pos);
    if (!is_white_space(d.code_point)) break;
    pos += d.length;
  }
  return pos;
}

}  // namespace

void AddedVocabulary::add(AddedToken token, const Vocabulary& model) {
  if (token.content.empty()) return;
  if (const auto it = by_content_.find(token.content); it != by_content_.end()) {
    if (token.special) by_id_.at(it->second).special = true;
    return;
  }
  if (const auto id = model.find(token.content)) {
    token.id = *id;
  } else {
    token.id = static_cast<TokenId>(std::max(model.count(), id_limit()));
  }
  by_content_[token.content] = token.id;
  by_id_[token.id] = std::move(token);
}

std::size_t AddedVocabulary::Search::next_candidate(std::string_view text, std::size_t pos) const {
  if (only_byte >= 0) {
    if (pos >= text.size()) return text.size();
    const void* at = std::memchr(text.data() + pos, only_byte, text.size() - pos);
    return at == nullptr ? text.size()
                         : static_cast<std::size_t>(static_cast<const char*>(at) - text.data());
  }
  while (pos < text.size() && !can_begin[static_cast<std::uint8_t>(text[pos])]) ++pos;
  return pos;
}

AddedVocabulary::Search AddedVocabulary::make_search(
    const std::vector<std::pair<std::string, TokenId>>& entries) {
  Search search;
  std::vector<Trie::Entry> trie_entries;
  for (const auto& [text, id] : entries) trie_entries.push_back({text, id});
  search.trie = Trie(std::move(trie_entries));
  int first_bytes = 0;
  for (int b = 0; b < 256; ++b) {
    if (!search.trie.can_begin(static_cast<char>(b))) continue;
    search.can_begin[static_cast<std::size_t>(b)] = true;
    search.only_byte = b;
    ++first_bytes;
  }
  if (first_bytes != 1) search.only_byte = -1;
  return search;
}

void AddedVocabulary::prepare(const Normalizer* normalizer) {
  std::vector<std::pair<std::string, TokenId>> raw, normalized;
  for (auto& [id, token] : by_id_) {
    token.text = token.content;
    if (!token.normalized) {
      raw.emplace_back(token.content, id);
      continue;
    }
    if (normalizer != nullptr) {
      NormalText text{token.content};
      normalizer->apply(text);
      token.text = std::move(text.text);
    }
    normalized.emplace_back(token.text, id);
  }
  raw_ = make_search(raw);
  normalized_ = make_search(normalized);
}

void AddedVocabulary::split(std::string_view text, const Search& search, SpecialTokens special,
                            std::vector<Segment>& out) const {
  if (text.empty()) return;
  std::size_t done = 0;
  const auto add_text = [&](std::size_t begin, std::size_t end) {
    if (begin < end) out.push_back({text.substr(begin, end - begin), -1, begin == 0});
  };
  std::size_t pos = search.trie.empty() ? text.size() : search.next_candidate(text, 0);
  while (pos < text.size()) {
    const Trie::Found found = search.trie.longest(text, pos);
    if (found.length == 0) {
      pos = search.next_candidate(text, pos + 1);
      continue;
    }
    std::size_t begin = pos, end = pos + found.length;
    pos = search.next_candidate(text, end);
    const AddedToken& token = by_id_.at(found.id);
    if (token.special && special == SpecialTokens::kPlainText) continue;
    if (token.single_word && (word_before(text, begin) || word_at(text, end))) continue;
    // White space that an earlier token took along is not taken twice.
    if (token.lstrip) begin = std::max(spaces_before(text, begin, done), done);
    if (token.rstrip) end = spaces_behind(text, end);
    add_text(done, begin);
    out.push_back({text.substr(begin, end - begin), found.id, begin == 0});
    done = end;
  }
  add_text(done, text.size());
}

void AddedVocabulary::split_raw(std::string_view text, SpecialTokens special,
                                std::vector<Segment>& out) const {
  split(text, raw_, special, out);
}

void AddedVocabulary::split_normalized(std::string_view text, SpecialTokens special,
                                       std::vector<Segment>& out) const {
  split(text, normalized_, special, out);
}

const AddedToken* AddedVocabulary::find(std::string_view content) const {
  const auto it = by_content_.find(std::string(content));
  return it == by_content_.end() ? nullptr : &by_id_.at(it->second);
}

const AddedToken* AddedVocabulary::find(TokenId id) const {
  const auto it = by_id_.find(id);
  return it == by_id_.end() ? nullptr : &it->second;
}

std::vector<AddedToken> AddedVocabulary::tokens() const {
  std::vector<AddedToken> out;
  for (const auto& [id, token] : by_id_) out.push_back(token);
  return out;
}

}  // namespace nacelle::tokenizer
