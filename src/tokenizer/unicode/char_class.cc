#include "tokenizer/unicode/char_class.h"

#include <algorithm>
#include <map>
#include <string>

namespace nacelle::tokenizer {
namespace {

struct LowerRange {
  char32_t first, last;
  std::uint32_t stride;
  std::int32_t delta;
};

#include "tokenizer/unicode/unicode_tables.inc"

constexpr CodePointRange kCjk[] = {{0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},
                                   {0x20000, 0x2A6DF}, {0x2A700, 0x2B81F}, {0x2B920, 0x2CEAF},
                                   {0x2F800, 0x2FA1F}};

// The measured sets, as bits of one byte.
enum Set : std::uint8_t {
  kInWord = 1,
  kInNumeric = 2,
  kInPunctuation = 4,
  kInBertControl = 8,
  kInBertAccent = 16,
  kInCombiningMark = 32,
  kInNormalFormUnknown = 64,
  kInClusterTail = 128,
};

void mark(std::span<const CodePointRange> ranges, Set set, std::vector<std::uint8_t>& sets) {
  for (const CodePointRange& range : ranges) {
    for (char32_t c = range.first; c <= range.last; ++c) sets[c] |= set;
  }
}

bool has_white_space_property(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

std::uint8_t flags_of(char32_t c, Category g) {
  std::uint8_t out = 0;
  if (g <= Category::kLo) out |= flag::kLetter;
  if (g >= Category::kMn && g <= Category::kMe) out |= flag::kMark | flag::kUpper | flag::kLower;
  if (g >= Category::kNd && g <= Category::kNo) out |= flag::kNumber;
  if (g >= Category::kPc && g <= Category::kSo) out |= flag::kSymbol;
  if (g <= Category::kLo && g != Category::kLl) out |= flag::kUpper;
  if (g == Category::kLl || g == Category::kLm || g == Category::kLo) out |= flag::kLower;
  if (has_white_space_property(c)) out |= flag::kSpace;
  if (c == '\r' || c == '\n') out |= flag::kNewline;
  return out;
}

}  // namespace

struct CharTables {
  CharTable categories, flags, sets;

  static const CharTables& get() {
    static const CharTables tables;
    return tables;
  }

 private:
  CharTables() {
    std::vector<std::uint8_t> all(0x110000), flags_all(0x110000);
    std::size_t at = 0;
    for (const std::uint32_t run : kCategoryRuns) {
      const auto length = run >> 5;
      std::fill_n(all.begin() + static_cast<std::ptrdiff_t>(at), length,
                  static_cast<std::uint8_t>(run & 31));
      at += length;
    }
    for (char32_t c = 0; c < 0x110000; ++c)
      flags_all[c] = flags_of(c, static_cast<Category>(all[c]));
    compress(all, categories);
    compress(flags_all, flags);
    std::vector<std::uint8_t> sets_all(0x110000);
    mark(kWord, kInWord, sets_all);
    mark(kNumeric, kInNumeric, sets_all);
    mark(kPunctuation, kInPunctuation, sets_all);
    mark(kBertControl, kInBertControl, sets_all);
    mark(kBertAccent, kInBertAccent, sets_all);
    mark(kCombiningMark, kInCombiningMark, sets_all);
    mark(kNormalFormUnknown, kInNormalFormUnknown, sets_all);
    mark(kClusterTail, kInClusterTail, sets_all);
    compress(sets_all, sets);
  }

  static void compress(const std::vector<std::uint8_t>& all, CharTable& out) {
    std::map<std::string_view, std::uint16_t> seen;
    for (std::size_t block = 0; block < 0x1100; ++block) {
      const std::string_view bytes(reinterpret_cast<const char*>(all.data()) + block * 256, 256);
      const auto [it, is_new] = seen.emplace(bytes, static_cast<std::uint16_t>(seen.size()));
      if (is_new) out.values_.insert(out.values_.end(), bytes.begin(), bytes.end());
      out.blocks_[block] = it->second;
    }
  }
};

const CharTable& char_flags() {
  static const CharTable& table = CharTables::get().flags;
  return table;
}

Category category(char32_t c) { return static_cast<Category>(CharTables::get().categories[c]); }

namespace {

bool is_in(Set set, char32_t c) {
  static const CharTable& sets = CharTables::get().sets;
  return (sets[c] & set) != 0;
}

}  // namespace

bool is_word(char32_t c) { return is_in(kInWord, c); }
bool is_numeric(char32_t c) { return is_in(kInNumeric, c); }
bool is_punctuation(char32_t c) { return is_in(kInPunctuation, c); }
bool is_bert_control(char32_t c) { return is_in(kInBertControl, c); }
bool is_bert_accent(char32_t c) { return is_in(kInBertAccent, c); }
bool is_combining_mark(char32_t c) { return is_in(kInCombiningMark, c); }
bool is_cluster_tail(char32_t c) { return is_in(kInClusterTail, c); }
bool is_unknown_to_normal_forms(char32_t c) { return is_in(kInNormalFormUnknown, c); }

bool is_cjk_ideograph(char32_t c) {
  if (c < kCjk[0].first) return false;
  return std::any_of(std::begin(kCjk), std::end(kCjk),
                     [c](const CodePointRange& r) { return c >= r.first && c <= r.last; });
}

char32_t to_lower(char32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
  const auto* it =
      std::upper_bound(std::begin(kLower), std::end(kLower), c,
                       [](char32_t value, const LowerRange& r) { return value < r.first; });
  // Ranges of stride 2 may interleave (upper and lower case take turns), so two are looked at.
  for (int back = 0; back < 2 && it != std::begin(kLower); ++back) {
    --it;
    if (c <= it->last && (c - it->first) % it->stride == 0)
      return c + static_cast<char32_t>(it->delta);
  }
  return c;
}

std::vector<CodePointRange> ranges_of(std::uint32_t mask) {
  std::vector<CodePointRange> out;
  char32_t at = 0;
  for (const std::uint32_t run : kCategoryRuns) {
    const char32_t length = run >> 5;
    if ((mask >> (run & 31) & 1) != 0) {
      if (!out.empty() && out.back().last + 1 == at) {
        out.back().last = at + length - 1;
      } else {
        out.push_back({at, at + length - 1});
      }
    }
    at += length;
  }
  return out;
}

}  // namespace nacelle::tokenizer
