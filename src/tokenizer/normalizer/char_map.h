// char_map.h: normalizers that treat one character at a time.
#pragma once

#include "tokenizer/normalizer/normalizer.h"

namespace nacelle::tokenizer {

// Calls `map(c, out)` for each character; what it appends replaces c. Keeps at_origin right: it
// falls when the first character vanishes and another one is left.
template <class Map>
void map_characters(NormalText& in_out, Map map);

// The lower case of `c`, which can be two characters.
void append_lower(std::string& out, char32_t c);

[[nodiscard]] std::unique_ptr<Normalizer> make_lowercase();
[[nodiscard]] std::unique_ptr<Normalizer> make_strip_accents();
[[nodiscard]] std::unique_ptr<Normalizer> make_nmt();
[[nodiscard]] std::unique_ptr<Normalizer> make_byte_level_normalizer();

}  // namespace nacelle::tokenizer

#include "base/utf8.h"
#include "tokenizer/unicode/utf8_cursor.h"

template <class Map>
void nacelle::tokenizer::map_characters(NormalText& in_out, Map map) {
  std::string out;
  out.reserve(in_out.text.size() + in_out.text.size() / 8);
  bool first_vanished = false;
  for (std::size_t pos = 0; pos < in_out.text.size();) {
    const DecodedChar d = decode_valid(in_out.text.data() + pos);
    map(d.code_point, out);
    if (pos == 0) first_vanished = out.empty();
    pos += d.length;
  }
  if (first_vanished) in_out.at_origin = false;
  in_out.text = std::move(out);
}
