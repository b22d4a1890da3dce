#include "tokenizer/model/bpe.h"

#include "base/utf8.h"
#include "tokenizer/unicode/byte_chars.h"
#include "tokenizer/unicode/utf8_cursor.h"

namespace nacelle::tokenizer {
namespace {

// Below this many symbols a scan for the lowest rank is faster than the queue.
constexpr std::size_t kShortWord = 64;
constexpr std::string_view kSpaceMark = "\u2581";

Result<BpeOptions> parse_options(const JsonNode& node) {
  BpeOptions options;
  ASSIGN_OR_RETURN(options.unk_token, node.string_or("unk_token", ""));
  ASSIGN_OR_RETURN(options.continuing_subword_prefix,
                   node.string_or("continuing_subword_prefix", ""));
  ASSIGN_OR_RETURN(options.end_of_word_suffix, node.string_or("end_of_word_suffix", ""));
  ASSIGN_OR_RETURN(options.fuse_unk, node.boolean_or("fuse_unk", false));
  ASSIGN_OR_RETURN(options.byte_fallback, node.boolean_or("byte_fallback", false));
  ASSIGN_OR_RETURN(options.ignore_merges, node.boolean_or("ignore_merges", false));
  if (const auto dropout = node.find("dropout")) {
    ASSIGN_OR_RETURN(const double value, dropout->number());
    if (value != 0) return dropout->error("dropout gives random ids: only null and 0 are served");
  }
  return options;
}

struct PairText {
  std::string_view left, right;
};

// "a b" or ["a", "b"].
Result<PairText> parse_pair(const JsonNode& list, std::size_t index, simdjson::dom::element value) {
  const auto complain = [&] {
    return list.error(fmt::format("entry {} is neither \"a b\" nor [\"a\", \"b\"]", index));
  };
  std::string_view text;
  if (value.get(text) == simdjson::SUCCESS) {
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos) {
      return complain();
    }
    return PairText{text.substr(0, space), text.substr(space + 1)};
  }
  PairText pair;
  simdjson::dom::array array;
  if (value.get(array) != simdjson::SUCCESS || array.size() != 2 ||
      array.at(0).get(pair.left) != simdjson::SUCCESS ||
      array.at(1).get(pair.right) != simdjson::SUCCESS) {
    return complain();
  }
  return pair;
}

// True when `token` holds the mark right behind another character.
bool has_inner_mark(std::string_view token) {
  for (std::size_t at = token.find(kSpaceMark); at != std::string_view::npos;
       at = token.find(kSpaceMark, at + kSpaceMark.size())) {
    if (at != 0 && !token.substr(0, at).ends_with(kSpaceMark)) return true;
  }
  return false;
}

}  // namespace

Bpe::Bpe(Vocabulary vocabulary, BpeOptions options, WordForm form)
    : Model(std::move(vocabulary)), options_(std::move(options)), form_(form) {
  if (!options_.unk_token.empty()) unk_id_ = vocabulary_.find(options_.unk_token);
  prepare_bytes();
}

Result<std::unique_ptr<Model>> Bpe::from_json(const JsonNode& node, WordForm form) {
  ASSIGN_OR_RETURN(BpeOptions options, parse_options(node));
  ASSIGN_OR_RETURN(const JsonNode vocab_node, node.member("vocab"));
  ASSIGN_OR_RETURN(Vocabulary vocabulary, Vocabulary::from_json(vocab_node));
  ASSIGN_OR_RETURN(const JsonNode merges_node, node.member("merges"));
  std::unique_ptr<Bpe> model(new Bpe(std::move(vocabulary), std::move(options), form));
  RETURN_IF_ERROR(model->read_merges(merges_node));
  return std::unique_ptr<Model>(std::move(model));
}

Status Bpe::read_merges(const JsonNode& node) {
  simdjson::dom::array list;
  if (node.element().get(list) != simdjson::SUCCESS)
    return node.error("expected an array of pairs");
  std::size_t prefix = utf8_length(options_.continuing_subword_prefix);
  merges_ = MergeTable(list.size());
  std::uint32_t rank = 0;
  std::size_t index = 0;
  bool inner_mark = false;
  std::string joined;
  for (const auto value : list) {
    ASSIGN_OR_RETURN(const PairText pair, parse_pair(node, index, value));
    const auto missing = [&](std::string_view token) {
      return node.error(fmt::format(
          "entry {} needs the token \"{}\", which model.vocab does not have", index, token));
    };
    const auto left = vocabulary_.find(pair.left), right = vocabulary_.find(pair.right);
    if (!left) return missing(pair.left);
    if (!right) return missing(pair.right);
    if (prefix > pair.right.size()) {
      return node.error(
          fmt::format("entry {}: \"{}\" is shorter than the prefix", index, pair.right));
    }
    joined.assign(pair.left).append(pair.right.substr(prefix));
    const auto result = vocabulary_.find(joined);
    if (!result) return missing(joined);
    merges_.add(*left, *right, {rank++, *result});
    inner_mark = inner_mark || has_inner_mark(joined);
    ++index;
  }
  find_cut(inner_mark);
  return Status();
}

void Bpe::prepare_bytes() {
  byte_ids_.fill(-1);
  fallback_ids_.fill(-1);
  for (int b = 0; b < 256; ++b) {
    const auto at = static_cast<std::size_t>(b);
    std::string as_char;
    append_utf8(as_char, char_of_byte(static_cast<std::uint8_t>(b)));
    if (const auto id = vocabulary_.find(as_char)) byte_ids_[at] = *id;
    if (const auto id = vocabulary_.find(fmt::format("<0x{:02X}>", b))) fallback_ids_[at] = *id;
  }
  if (!options_.ignore_merges || form_ == WordForm::kText) return;
  for (std::size_t id = 0; id < vocabulary_.id_limit(); ++id) {
    const auto text = vocabulary_.text(static_cast<TokenId>(id));
    if (!text) continue;
    const auto found = vocabulary_.find(*text);
    const auto bytes = chars_to_bytes(*text);
    if (bytes && found) words_.add(*bytes, *found);
  }
}

// Merges never cross the border between a character and the mark behind it when no result of a
// merge holds such a border; unknown tokens do not fuse across it because the mark is known.
void Bpe::find_cut(bool inner_mark) {
  const bool plain = form_ == WordForm::kText && !options_.ignore_merges &&
                     options_.continuing_subword_prefix.empty() &&
                     options_.end_of_word_suffix.empty();
  if (plain && !inner_mark && vocabulary_.find(kSpaceMark)) cut_before_ = kSpaceMark;
}

void Bpe::symbols_of_bytes(std::string_view word, std::vector<TokenId>& out) const {
  bool unk_open = false;
  for (const char c : word) {
    const TokenId id = byte_ids_[static_cast<std::uint8_t>(c)];
    if (id >= 0) [[likely]] {
      out.push_back(id);
      unk_open = false;
    } else if (unk_id_) {
      if (!unk_open || !options_.fuse_unk) out.push_back(*unk_id_);
      unk_open = true;
    }
  }
}

void Bpe::symbols_of_text(std::string_view word, std::vector<TokenId>& out) const {
  // The unknown token waits until a known character comes: that is where the reference
  // implementation writes it, behind bytes of the fallback if there were any.
  bool unk_open = false;
  std::string decorated;
  for (std::size_t pos = 0; pos < word.size();) {
    const std::size_t end = pos + utf8_lead_length(word[pos]);
    std::string_view symbol = word.substr(pos, end - pos);
    const bool prefixed = pos != 0 && !options_.continuing_subword_prefix.empty();
    const bool suffixed = end == word.size() && !options_.end_of_word_suffix.empty();
    if (prefixed || suffixed) {
      decorated.assign(prefixed ? options_.continuing_subword_prefix : "").append(symbol);
      if (suffixed) decorated += options_.end_of_word_suffix;
      symbol = decorated;
    }
    pos = end;
    if (const auto id = vocabulary_.find(symbol)) {
      if (unk_open) out.push_back(*unk_id_);
      unk_open = false;
      out.push_back(*id);
      continue;
    }
    if (options_.byte_fallback) {
      const std::size_t before = out.size();
      for (const char c : symbol) {
        const TokenId id = fallback_ids_[static_cast<std::uint8_t>(c)];
        if (id < 0) {
          out.resize(before);
          break;
        }
        out.push_back(id);
      }
      if (out.size() != before) continue;
    }
    if (!unk_id_) continue;
    if (unk_open && !options_.fuse_unk) out.push_back(*unk_id_);
    unk_open = true;
  }
  if (unk_open) out.push_back(*unk_id_);
}

void Bpe::encode_word(std::string_view word, Scratch& scratch, std::vector<TokenId>& out) const {
  if (options_.ignore_merges) {
    const auto id = form_ == WordForm::kBytes ? words_.find(word) : vocabulary_.find(word);
    if (id) {
      out.push_back(*id);
      return;
    }
  }
  scratch.ids.clear();
  if (form_ == WordForm::kBytes) {
    symbols_of_bytes(word, scratch.ids);
  } else {
    symbols_of_text(word, scratch.ids);
  }
  if (scratch.ids.size() <= kShortWord) {
    merge_short(scratch, out);
  } else {
    merge_long(scratch, out);
  }
}

void Bpe::merge_short(Scratch& scratch, std::vector<TokenId>& out) const {
  std::vector<TokenId>& ids = scratch.ids;
  std::size_t n = ids.size();
  std::uint32_t ranks[kShortWord];
  TokenId results[kShortWord];
  const auto look = [&](std::size_t i) {
    const Merge merge = merges_.find(ids[i], ids[i + 1]);
    ranks[i] = merge.rank;
    results[i] = merge.result;
  };
  for (std::size_t i = 0; i + 1 < n; ++i) look(i);
  while (n > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < n; ++i) {
      if (ranks[i] < ranks[best]) best = i;
    }
    if (ranks[best] == kNoRank) break;
    ids[best] = results[best];
    for (std::size_t i = best + 1; i + 1 < n; ++i) {
      ids[i] = ids[i + 1];
      ranks[i] = ranks[i + 1];
      results[i] = results[i + 1];
    }
    --n;
    if (best + 1 < n) look(best);
    if (best > 0) look(best - 1);
  }
  out.insert(out.end(), ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(n));
}

void Bpe::merge_long(Scratch& scratch, std::vector<TokenId>& out) const {
  const std::vector<TokenId>& ids = scratch.ids;
  auto& symbols = scratch.symbols;
  MergeQueue& queue = scratch.queue;
  const auto n = static_cast<std::int32_t>(ids.size());
  symbols.resize(ids.size());
  for (std::int32_t i = 0; i < n; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const bool last = i + 1 == n;
    const std::uint32_t rank = last ? kNoRank : merges_.find(ids[at], ids[at + 1]).rank;
    symbols[at] = {ids[at], i - 1, last ? -1 : i + 1, rank};
    if (rank != kNoRank) queue.push(rank, i);
  }
  const auto symbol = [&](std::int32_t i) -> Scratch::Symbol& {
    return symbols[static_cast<std::size_t>(i)];
  };
  const auto look = [&](std::int32_t i) {
    Scratch::Symbol& left = symbol(i);
    left.rank = left.next < 0 ? kNoRank : merges_.find(left.id, symbol(left.next).id).rank;
    if (left.rank != kNoRank) queue.push(left.rank, i);
  };
  while (!queue.empty()) {
    const MergeQueue::Item item = queue.pop();
    Scratch::Symbol& left = symbol(item.position);
    if (left.rank != item.rank) continue;  // the pair changed or went since it was queued
    Scratch::Symbol& right = symbol(left.next);
    left.id = merges_.find(left.id, right.id).result;
    left.next = right.next;
    right.rank = kNoRank;
    if (left.next >= 0) symbol(left.next).previous = item.position;
    look(item.position);
    if (left.previous >= 0) look(left.previous);
  }
  for (std::int32_t i = 0; i >= 0 && n > 0; i = symbol(i).next) out.push_back(symbol(i).id);
}

}  // namespace nacelle::tokenizer
