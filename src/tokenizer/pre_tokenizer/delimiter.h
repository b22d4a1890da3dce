// delimiter.h: what happens to the matches of a splitting pattern.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "tokenizer/json/json_node.h"
#include "tokenizer/pattern/pattern.h"
#include "tokenizer/pre_tokenizer/pre_tokenizer.h"

namespace nacelle::tokenizer {

enum class Delimiter { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

[[nodiscard]] Result<Delimiter> parse_delimiter(const JsonNode& owner, std::string_view key,
                                                Delimiter fallback);

// Adds the pieces of `piece` that `spans` (as from Pattern::find_all) and `delimiter` make.
void split_by(const Piece& piece, std::vector<Span> spans, Delimiter delimiter, PieceList& out);

// Spans of the characters for which `is_member` holds, each character a match of its own.
template <class IsMember>
[[nodiscard]] std::vector<Span> spans_of_chars(std::string_view text, IsMember is_member);

}  // namespace nacelle::tokenizer

#include "tokenizer/unicode/utf8_cursor.h"

template <class IsMember>
std::vector<nacelle::tokenizer::Span> nacelle::tokenizer::spans_of_chars(std::string_view text,
                                                                         IsMember is_member) {
  std::vector<Span> spans;
  std::size_t gap = 0;
  for (std::size_t pos = 0; pos < text.size();) {
    const DecodedChar d = decode_valid(text.data() + pos);
    const std::size_t end = pos + d.length;
    if (is_member(d.code_point)) {
      if (gap != pos) spans.push_back({gap, pos, false});
      spans.push_back({pos, end, true});
      gap = end;
    }
    pos = end;
  }
  if (gap != text.size()) spans.push_back({gap, text.size(), false});
  return spans;
}
