// python_string.h: the string operations of Python that templates use, on UTF-8 text.
//
// Positions are counted in characters where Python counts them; the text must be valid UTF-8.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nacelle::chat_template {

enum class Side { kLeft, kRight, kBoth };

// Without `chars`, white space is removed.
[[nodiscard]] std::string_view strip(std::string_view text, Side side,
                                     std::optional<std::string_view> chars = std::nullopt);

// Pieces between separators, at most `max_splits` cuts (negative: all), from the left or the right.
// Without a separator, runs of white space separate and empty pieces vanish.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text,
                                                  std::optional<std::string_view> separator,
                                                  long max_splits, Side from);

// At least as many as split() or split_lines() will give.
[[nodiscard]] std::size_t most_pieces(std::string_view text,
                                      std::optional<std::string_view> separator);

// Cuts after \n, \r\n, \r, \v, \f, \x1c..\x1e, \x85, U+2028 and U+2029.
[[nodiscard]] std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends);

// Byte offset of the first or last `needle` in `text`, or npos. Linear time.
[[nodiscard]] std::size_t find_text(std::string_view text, std::string_view needle,
                                    std::size_t from = 0);
[[nodiscard]] std::size_t rfind_text(std::string_view text, std::string_view needle);
// Occurrences that do not overlap; for an empty needle, characters + 1.
[[nodiscard]] std::size_t count_text(std::string_view text, std::string_view needle);

// At most `count` replacements; negative: all. The caller has reserved the memory.
[[nodiscard]] std::string replace_text(std::string_view text, std::string_view from,
                                       std::string_view to, long count);

[[nodiscard]] std::string capitalize(std::string_view text);  // "hELLO wORLD" -> "Hello world"
[[nodiscard]] std::string title_case(std::string_view text);  // str.title: "they're" -> "They'Re"
[[nodiscard]] std::string swap_case(std::string_view text);

// Byte offset of character `index`; the size of the text when there are fewer.
[[nodiscard]] std::size_t byte_offset(std::string_view text, std::size_t index);

// <, >, &, ' and " as HTML entities.
[[nodiscard]] std::string escape_html(std::string_view text);

}  // namespace nacelle::chat_template
