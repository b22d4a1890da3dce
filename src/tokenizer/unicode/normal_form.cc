#include "tokenizer/unicode/normal_form.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "base/utf8.h"
#include "tokenizer/unicode/char_class.h"
#include "tokenizer/unicode/utf8_cursor.h"

namespace nacelle::tokenizer {
namespace {

constexpr char32_t kSBase = 0xAC00, kLBase = 0x1100, kVBase = 0x1161, kTBase = 0x11A7;
constexpr char32_t kLCount = 19, kVCount = 21, kTCount = 28, kSCount = kLCount * kVCount * kTCount;

// utf8proc's longest decomposition (U+FDFA) has 18 characters.
constexpr int kMaxParts = 32;

bool compat(NormalForm form) { return form == NormalForm::kNfkc || form == NormalForm::kNfkd; }
bool composed(NormalForm form) { return form == NormalForm::kNfc || form == NormalForm::kNfkc; }

int combining_class(char32_t c) {
  if (c < 0x300 || is_unknown_to_normal_forms(c)) return 0;
  return utf8proc_get_property(static_cast<utf8proc_int32_t>(c))->combining_class;
}

int decompose_char(char32_t c, bool compat, utf8proc_int32_t* parts) {
  int boundclass = UTF8PROC_BOUNDCLASS_START;
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE |
                                                      (compat ? UTF8PROC_COMPAT : 0));
  const auto n = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), parts, kMaxParts,
                                         options, &boundclass);
  if (n >= 1 && n <= kMaxParts) return static_cast<int>(n);
  parts[0] = static_cast<utf8proc_int32_t>(c);
  return 1;
}

// Facts that take a pass over all characters; built on first use.
struct FormData {
  // first << 32 | second -> the character they compose to. Hangul is computed, not stored.
  std::unordered_map<std::uint64_t, char32_t> pairs;
  // Bit f set: the character never changes under form f, whatever stands beside it.
  std::vector<std::uint8_t> inert = std::vector<std::uint8_t>(0x110000, 0x0F);

  static const FormData& get() {
    static const FormData data;
    return data;
  }

  FormData() {
    constexpr auto bit = [](NormalForm f) {
      return static_cast<std::uint8_t>(1 << static_cast<int>(f));
    };
    constexpr std::uint8_t kCompose = bit(NormalForm::kNfc) | bit(NormalForm::kNfkc);
    constexpr std::uint8_t kCanonical = bit(NormalForm::kNfc) | bit(NormalForm::kNfd);
    utf8proc_int32_t parts[kMaxParts], compat_parts[kMaxParts];
    for (char32_t c = 0; c < 0x110000; ++c) {
      if ((c >= 0xD800 && c <= 0xDFFF) || is_unknown_to_normal_forms(c)) continue;
      const auto* property = utf8proc_get_property(static_cast<utf8proc_int32_t>(c));
      if (property->combining_class != 0) inert[c] = 0;
      if (c >= kSBase && c < kSBase + kSCount) {
        inert[c] &= kCompose;
      } else if ((c >= kVBase && c < kVBase + kVCount) || (c > kTBase && c < kTBase + kTCount)) {
        inert[c] &= static_cast<std::uint8_t>(~kCompose);
      } else if (property->decomp_seqindex == UINT16_MAX) {
        continue;
      } else if (property->decomp_type != 0) {
        inert[c] &= kCanonical;
      } else {
        inert[c] &= kCompose;
        const int full = decompose_char(c, false, parts);
        const bool same = full == decompose_char(c, true, compat_parts) &&
                          std::equal(parts, parts + full, compat_parts);
        if (!same) inert[c] &= static_cast<std::uint8_t>(~bit(NormalForm::kNfkc));
        const int n = direct_decomposition(c, parts);
        // Only what comes back from composition is a pair: not singletons, exclusions and marks.
        if (n != 2 ||
            full_pair(static_cast<char32_t>(parts[0]), static_cast<char32_t>(parts[1])) != c) {
          inert[c] = 0;
          continue;
        }
        pairs.emplace(std::uint64_t(parts[0]) << 32 | std::uint64_t(parts[1]), c);
        inert[static_cast<std::size_t>(parts[1])] &= static_cast<std::uint8_t>(~kCompose);
      }
    }
    // The first of two characters that compose may be inert: the second never is, and the text
    // that is taken apart begins one character before it (see to_normal_form).
  }

  // The one-step canonical decomposition: utf8proc gives the full one, whose first parts compose.
  int direct_decomposition(char32_t c, utf8proc_int32_t* parts) {
    const int n = decompose_char(c, false, parts);
    if (n <= 2) return n;
    // All but the last compose to one character (Unicode guarantees it for primary composites).
    char32_t first = static_cast<char32_t>(parts[0]);
    for (int i = 1; i + 1 < n; ++i) {
      const char32_t next = full_pair(first, static_cast<char32_t>(parts[i]));
      if (next == 0) return n;
      first = next;
    }
    parts[1] = parts[n - 1];
    parts[0] = static_cast<utf8proc_int32_t>(first);
    return 2;
  }

  // Primary composite of two characters straight from utf8proc; 0 when there is none.
  static char32_t full_pair(char32_t a, char32_t b) {
    utf8proc_int32_t buffer[2] = {static_cast<utf8proc_int32_t>(a),
                                  static_cast<utf8proc_int32_t>(b)};
    const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    return utf8proc_normalize_utf32(buffer, 2, options) == 1 ? static_cast<char32_t>(buffer[0]) : 0;
  }
};

char32_t compose_pair(const FormData& data, char32_t a, char32_t b) {
  if (a >= kLBase && a < kLBase + kLCount && b >= kVBase && b < kVBase + kVCount) {
    return kSBase + ((a - kLBase) * kVCount + (b - kVBase)) * kTCount;
  }
  if (a >= kSBase && a < kSBase + kSCount && (a - kSBase) % kTCount == 0 && b > kTBase &&
      b < kTBase + kTCount) {
    return a + (b - kTBase);
  }
  const auto it = data.pairs.find(std::uint64_t{a} << 32 | b);
  return it == data.pairs.end() ? 0 : it->second;
}

struct Part {
  char32_t c;
  int ccc;
};

void order_marks(std::vector<Part>& parts) {
  for (std::size_t i = 0; i < parts.size();) {
    if (parts[i].ccc == 0) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < parts.size() && parts[end].ccc != 0) ++end;
    const auto at = [&](std::size_t k) { return parts.begin() + static_cast<std::ptrdiff_t>(k); };
    std::stable_sort(at(i), at(end), [](const Part& a, const Part& b) { return a.ccc < b.ccc; });
    i = end;
  }
}

void compose(const FormData& data, std::vector<Part>& parts) {
  constexpr std::size_t kNone = ~std::size_t{0};
  std::size_t starter = kNone, out = 0;
  int last_ccc = -1;  // class of the last kept character after the starter; -1 when there is none
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Part part = parts[i];
    if (starter != kNone && (last_ccc == -1 || (last_ccc < part.ccc && last_ccc != 0))) {
      if (const char32_t joined = compose_pair(data, parts[starter].c, part.c); joined != 0) {
        parts[starter].c = joined;
        continue;
      }
    }
    parts[out] = part;
    if (part.ccc == 0) {
      starter = out;
      last_ccc = -1;
    } else {
      last_ccc = part.ccc;
    }
    ++out;
  }
  parts.resize(out);
}

void normalize_span(std::string_view text, NormalForm form, std::vector<Part>& parts,
                    std::string& out) {
  parts.clear();
  utf8proc_int32_t buffer[kMaxParts];
  for (std::size_t pos = 0; pos < text.size();) {
    const DecodedChar d = decode_valid(text.data() + pos);
    pos += d.length;
    if (is_unknown_to_normal_forms(d.code_point)) {
      parts.push_back({d.code_point, 0});
      continue;
    }
    const int n = decompose_char(d.code_point, compat(form), buffer);
    for (int i = 0; i < n; ++i) {
      const auto c = static_cast<char32_t>(buffer[i]);
      parts.push_back({c, combining_class(c)});
    }
  }
  order_marks(parts);
  if (composed(form)) compose(FormData::get(), parts);
  for (const Part& part : parts) append_utf8(out, part.c);
}

}  // namespace

std::string to_normal_form(std::string_view text, NormalForm form) {
  const auto ascii_end =
      std::find_if(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; });
  if (ascii_end == text.end()) return std::string(text);

  // Inert characters are copied; from the character before a non-inert one up to the next inert
  // starter the text is taken apart and put together again.
  const FormData& data = FormData::get();
  const auto bit = static_cast<std::uint8_t>(1 << static_cast<int>(form));
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  std::vector<Part> parts;
  std::size_t copied = 0, previous = 0;
  for (std::size_t pos = 0; pos < text.size();) {
    const DecodedChar d = decode_valid(text.data() + pos);
    if ((data.inert[d.code_point] & bit) != 0) {
      previous = pos;
      pos += d.length;
      continue;
    }
    const std::size_t begin = std::max(previous, copied);
    out.append(text.substr(copied, begin - copied));
    std::size_t end = pos;
    while (end < text.size()) {
      const DecodedChar e = decode_valid(text.data() + end);
      if ((data.inert[e.code_point] & bit) != 0) break;
      end += e.length;
    }
    normalize_span(text.substr(begin, end - begin), form, parts, out);
    copied = previous = pos = end;
  }
  out.append(text.substr(copied));
  return out;
}

}  // namespace nacelle::tokenizer
