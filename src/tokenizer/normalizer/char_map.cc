#include "tokenizer/normalizer/char_map.h"

#include "tokenizer/unicode/byte_chars.h"
#include "tokenizer/unicode/char_class.h"

namespace nacelle::tokenizer {
namespace {

class Lowercase final : public Normalizer {
 public:
  void apply(NormalText& in_out) const override {
    map_characters(in_out, [](char32_t c, std::string& out) { append_lower(out, c); });
  }
};

class StripAccents final : public Normalizer {
 public:
  void apply(NormalText& in_out) const override {
    map_characters(in_out, [](char32_t c, std::string& out) {
      if (!is_combining_mark(c)) append_utf8(out, c);
    });
  }
};

// What SentencePiece's nmt rule does: drops control characters, makes odd spaces plain.
class Nmt final : public Normalizer {
 public:
  void apply(NormalText& in_out) const override {
    map_characters(in_out, [](char32_t c, std::string& out) {
      const bool dropped = (c >= 0x01 && c <= 0x08) || c == 0x0B || (c >= 0x0E && c <= 0x1F) ||
                           c == 0x7F || c == 0x8F || c == 0x9F;
      if (dropped) return;
      const bool space = c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D || c == 0x1680 ||
                         (c >= 0x200B && c <= 0x200F) || c == 0x2028 || c == 0x2029 ||
                         c == 0x2581 || c == 0xFEFF || c == 0xFFFD;
      append_utf8(out, space ? U' ' : c);
    });
  }
};

class ByteLevelNormalizer final : public Normalizer {
 public:
  void apply(NormalText& in_out) const override { in_out.text = bytes_to_chars(in_out.text); }
};

}  // namespace

void append_lower(std::string& out, char32_t c) {
  if (c == 0x130) {
    out += "i\u0307";
  } else {
    append_utf8(out, to_lower(c));
  }
}

std::unique_ptr<Normalizer> make_lowercase() { return std::make_unique<Lowercase>(); }
std::unique_ptr<Normalizer> make_strip_accents() { return std::make_unique<StripAccents>(); }
std::unique_ptr<Normalizer> make_nmt() { return std::make_unique<Nmt>(); }
std::unique_ptr<Normalizer> make_byte_level_normalizer() {
  return std::make_unique<ByteLevelNormalizer>();
}

}  // namespace nacelle::tokenizer
