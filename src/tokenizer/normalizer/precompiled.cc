#include "tokenizer/normalizer/precompiled.h"

#include <utf8proc.h>

#include <cstring>
#include <vector>

#include "base/utf8.h"
#include "tokenizer/unicode/char_class.h"
#include "tokenizer/unicode/utf8_cursor.h"

namespace nacelle::tokenizer {
namespace {

// Longer clusters are never looked up whole, as in the reference implementation.
constexpr std::size_t kMaxWholeCluster = 6;

Result<std::string> decode_base64(const JsonNode& node, std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  for (const char c : text) {
    int value = -1;
    if (c >= 'A' && c <= 'Z') value = c - 'A';
    if (c >= 'a' && c <= 'z') value = c - 'a' + 26;
    if (c >= '0' && c <= '9') value = c - '0' + 52;
    if (c == '+') value = 62;
    if (c == '/') value = 63;
    if (value < 0) return node.error("not base64");
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    if (++count == 4) {
      out.push_back(static_cast<char>(bits >> 16));
      out.push_back(static_cast<char>(bits >> 8));
      out.push_back(static_cast<char>(bits));
      bits = 0;
      count = 0;
    }
  }
  if (count == 1) return node.error("not base64");
  if (count >= 2) out.push_back(static_cast<char>(bits >> (count == 2 ? 4 : 10)));
  if (count == 3) out.push_back(static_cast<char>(bits >> 2));
  return out;
}

class Precompiled final : public Normalizer {
 public:
  Precompiled(std::vector<std::uint32_t> trie, std::string replacements)
      : trie_(std::move(trie)), replacements_(std::move(replacements)) {}

  void apply(NormalText& in_out) const override {
    std::string out;
    out.reserve(in_out.text.size());
    const std::string_view text = in_out.text;
    for (std::size_t pos = 0; pos < text.size();) {
      const std::size_t end = cluster_end(text, pos);
      append_cluster(text.substr(pos, end - pos), out);
      if (pos == 0 && out.empty()) in_out.at_origin = false;
      pos = end;
    }
    in_out.text = std::move(out);
  }

 private:
  // Grapheme_Cluster_Break = Control, CR or LF: nothing joins these.
  static bool is_control(char32_t c) {
    const int boundclass = utf8proc_get_property(static_cast<utf8proc_int32_t>(c))->boundclass;
    return boundclass == UTF8PROC_BOUNDCLASS_CONTROL || boundclass == UTF8PROC_BOUNDCLASS_CR ||
           boundclass == UTF8PROC_BOUNDCLASS_LF;
  }

  static std::size_t cluster_end(std::string_view text, std::size_t pos) {
    DecodedChar previous = decode_valid(text.data() + pos);
    utf8proc_int32_t state = 0;
    pos += previous.length;
    while (pos < text.size()) {
      const DecodedChar next = decode_valid(text.data() + pos);
      if (previous.length == 1 && next.length == 1 && next.code_point != '\n') break;  // often
      const bool tail = is_cluster_tail(next.code_point) && !is_control(previous.code_point);
      const bool border =
          utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(previous.code_point),
                                           static_cast<utf8proc_int32_t>(next.code_point), &state);
      if (border && !tail) break;
      pos += next.length;
      previous = next;
    }
    return pos;
  }

  void append_cluster(std::string_view cluster, std::string& out) const {
    if (cluster.size() < kMaxWholeCluster) {
      if (const char* whole = find(cluster)) {
        out += whole;
        return;
      }
    }
    for (std::size_t pos = 0; pos < cluster.size();) {
      const std::string_view one = cluster.substr(pos, utf8_lead_length(cluster[pos]));
      if (const char* replacement = find(one)) {
        out += replacement;
      } else {
        out += one;
      }
      pos += one.size();
    }
  }

  // The replacement of the shortest key that `key` begins with, or null: the reference
  // implementation takes the first result of its common-prefix search.
  const char* find(std::string_view key) const {
    const auto offset = [](std::uint32_t unit) {
      return (unit >> 10) << ((unit & (1u << 9)) >> 6);
    };
    std::size_t at = 0;
    std::uint32_t unit = trie_[0];
    at ^= offset(unit);
    for (const char c : key) {
      const auto byte = static_cast<std::uint8_t>(c);
      if (byte == 0) break;
      at ^= byte;
      if (at >= trie_.size()) return nullptr;
      unit = trie_[at];
      if ((unit & (1u << 31 | 0xFF)) != byte) return nullptr;
      at ^= offset(unit);
      if (at >= trie_.size()) return nullptr;
      if ((unit >> 8 & 1) != 0) {
        const std::uint32_t value = trie_[at] & 0x7FFF'FFFF;
        return value < replacements_.size() ? replacements_.c_str() + value : nullptr;
      }
    }
    return nullptr;
  }

  std::vector<std::uint32_t> trie_;
  std::string replacements_;
};

}  // namespace

Result<std::unique_ptr<Normalizer>> make_precompiled(const JsonNode& node) {
  ASSIGN_OR_RETURN(const JsonNode map_node, node.member("precompiled_charsmap"));
  ASSIGN_OR_RETURN(const std::string_view base64, map_node.string());
  ASSIGN_OR_RETURN(const std::string bytes, decode_base64(map_node, base64));
  std::uint32_t trie_bytes = 0;
  if (bytes.size() < 8) return map_node.error("shorter than its header");
  std::memcpy(&trie_bytes, bytes.data(), 4);
  if (trie_bytes < 4 || trie_bytes % 4 != 0 || trie_bytes > bytes.size() - 4) {
    return map_node.error(
        fmt::format("the trie claims {} bytes, the map has {}", trie_bytes, bytes.size() - 4));
  }
  std::vector<std::uint32_t> trie(trie_bytes / 4);
  std::memcpy(trie.data(), bytes.data() + 4, trie_bytes);
  std::string replacements = bytes.substr(4 + trie_bytes);
  if (!is_valid_utf8(replacements)) return map_node.error("the replacements are not UTF-8");
  // A value may point into the middle of a character only in a broken map.
  for (const std::uint32_t unit : trie) {
    const std::uint32_t value = unit & 0x7FFF'FFFF;
    if ((unit >> 31) != 0 && value < replacements.size() &&
        (static_cast<std::uint8_t>(replacements[value]) & 0xC0) == 0x80) {
      return map_node.error("a value points into the middle of a character");
    }
  }
  return std::unique_ptr<Normalizer>(
      std::make_unique<Precompiled>(std::move(trie), std::move(replacements)));
}

}  // namespace nacelle::tokenizer
