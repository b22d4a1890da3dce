#include "tokenizer/model/unigram.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "tokenizer/unicode/utf8_cursor.h"

namespace nacelle::tokenizer {
namespace {

constexpr double kUnkPenalty = 10.0;
constexpr TokenId kNoToken = -1;

// The reference implementation reads decimals as (double)digits / 10^n, which can be off in the
// last bit; equal ids need equal scores. The digits are those of the shortest form of `value`.
double as_reference_reads(double value) {
  const std::string shortest = fmt::format("{}", std::abs(value));
  std::uint64_t digits = 0;
  int exponent = 0;
  bool fraction = false;
  for (std::size_t i = 0; i < shortest.size(); ++i) {
    const char c = shortest[i];
    if (c == '.') {
      fraction = true;
    } else if (c == 'e') {
      exponent += std::atoi(shortest.c_str() + i + 1);
      break;
    } else {
      digits = digits * 10 + static_cast<std::uint64_t>(c - '0');
      exponent -= fraction ? 1 : 0;
    }
  }
  if (exponent < -300 || exponent > 22) return value;
  const double power = std::pow(10.0, std::abs(exponent));
  const double read =
      exponent < 0 ? static_cast<double>(digits) / power : static_cast<double>(digits) * power;
  return std::copysign(read, value);
}

struct Pieces {
  Vocabulary vocabulary;
  std::vector<double> scores;
};

Result<Pieces> read_pieces(const JsonNode& node) {
  simdjson::dom::array list;
  if (node.element().get(list) != simdjson::SUCCESS)
    return node.error("expected [[piece, score], ...]");
  Pieces out;
  for (const auto item : list) {
    simdjson::dom::array pair;
    std::string_view piece;
    double score = 0;
    const std::size_t index = out.scores.size();
    if (item.get(pair) != simdjson::SUCCESS || pair.size() != 2 ||
        pair.at(0).get(piece) != simdjson::SUCCESS || pair.at(1).get(score) != simdjson::SUCCESS) {
      return node.error(fmt::format("entry {} is not [piece, score]", index));
    }
    if (index > static_cast<std::size_t>(kMaxTokenId)) {
      return node.error(fmt::format("more than {} pieces", kMaxTokenId));
    }
    out.vocabulary.add(piece, static_cast<TokenId>(index));
    out.scores.push_back(as_reference_reads(score));
  }
  if (out.scores.empty()) return node.error("the vocabulary is empty");
  return out;
}

}  // namespace

Unigram::Unigram(Vocabulary vocabulary, std::vector<double> scores, TokenId unk_id,
                 bool byte_fallback)
    : Model(std::move(vocabulary)),
      scores_(std::move(scores)),
      unk_id_(unk_id),
      byte_fallback_(byte_fallback),
      fallback_ids_(256, kNoToken) {
  std::vector<Trie::Entry> entries;
  double lowest = std::numeric_limits<double>::infinity();
  for (std::size_t id = 0; id < scores_.size(); ++id) {
    entries.push_back({*vocabulary_.text(static_cast<TokenId>(id)), static_cast<TokenId>(id)});
    lowest = std::min(lowest, scores_[id]);
  }
  unk_score_ = lowest - kUnkPenalty;
  trie_ = Trie(std::move(entries));
  for (std::size_t b = 0; b < 256; ++b) {
    if (const auto id = vocabulary_.find(fmt::format("<0x{:02X}>", b))) fallback_ids_[b] = *id;
  }
}

Result<std::unique_ptr<Model>> Unigram::from_json(const JsonNode& node) {
  ASSIGN_OR_RETURN(const JsonNode vocab_node, node.member("vocab"));
  ASSIGN_OR_RETURN(Pieces pieces, read_pieces(vocab_node));
  TokenId unk_id = kNoToken;
  if (const auto unk = node.find("unk_id")) {
    const auto limit = static_cast<std::int64_t>(pieces.scores.size()) - 1;
    ASSIGN_OR_RETURN(const std::int64_t value, unk->integer(0, limit));
    unk_id = static_cast<TokenId>(value);
  }
  ASSIGN_OR_RETURN(const bool byte_fallback, node.boolean_or("byte_fallback", false));
  return std::unique_ptr<Model>(
      new Unigram(std::move(pieces.vocabulary), std::move(pieces.scores), unk_id, byte_fallback));
}

void Unigram::find_best_path(std::string_view word, Scratch& scratch) const {
  auto& path = scratch.path;
  path.assign(word.size() + 1, {0.0, -1, kNoToken});
  const auto offer = [&](std::size_t start, std::size_t end, double score, TokenId id) {
    Scratch::PathNode& node = path[end];
    if (node.start < 0 || score > node.score) node = {score, static_cast<std::int32_t>(start), id};
  };
  for (std::size_t start = 0; start < word.size();) {
    const double here = path[start].score;
    const std::size_t one_char = utf8_lead_length(word[start]);
    bool has_single = false;
    trie_.each_prefix(word, start, [&](std::size_t length, TokenId id) {
      offer(start, start + length, scores_[static_cast<std::size_t>(id)] + here, id);
      has_single = has_single || length == one_char;
    });
    if (!has_single) offer(start, start + one_char, unk_score_ + here, unk_id_);
    start += one_char;
  }
}

void Unigram::append_unknown(std::string_view text, std::vector<TokenId>& reversed) const {
  if (const auto id = vocabulary_.find(text)) {
    reversed.push_back(*id);
    return;
  }
  const std::size_t before = reversed.size();
  if (byte_fallback_) {
    for (auto it = text.rbegin(); it != text.rend(); ++it) {
      const TokenId id = fallback_ids_[static_cast<std::uint8_t>(*it)];
      if (id == kNoToken) {
        reversed.resize(before);
        break;
      }
      reversed.push_back(id);
    }
  }
  if (reversed.size() == before && unk_id_ != kNoToken) reversed.push_back(unk_id_);
}

void Unigram::encode_word(std::string_view word, Scratch& scratch,
                          std::vector<TokenId>& out) const {
  find_best_path(word, scratch);
  std::vector<TokenId>& reversed = scratch.ids;
  reversed.clear();
  std::size_t end = word.size();
  while (end > 0) {
    const Scratch::PathNode node = scratch.path[end];
    auto start = static_cast<std::size_t>(node.start);
    if (node.id != unk_id_ && node.id != kNoToken) {
      reversed.push_back(node.id);
    } else {
      // Neighbouring unknown characters are one unknown piece.
      while (start > 0 && scratch.path[start].id == node.id) {
        start = static_cast<std::size_t>(scratch.path[start].start);
      }
      append_unknown(word.substr(start, end - start), reversed);
    }
    end = start;
  }
  out.insert(out.end(), reversed.rbegin(), reversed.rend());
}

}  // namespace nacelle::tokenizer
