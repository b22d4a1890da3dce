// stop_scanner.h: text that grows, watched for stop strings, and how much of it may be sent.
//
// After every token the new characters, and as many before them as a stop string could begin in,
// are searched; of several stop strings that are complete, the first in list order wins. The text
// is cut before the match, or after it when stop strings are shown. While stop strings are set and
// not shown, the last max(length) - 1 characters are held back, because a match may begin in them.
//
// Home:    one coroutine. Text is valid UTF-8; lengths are characters.
// Cost:    per token, the new text plus the longest stop string, times the number of stop strings.
// Source:  engine.md section 15.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nacelle::serve {

class StopScanner {
 public:
  enum class Show { kBefore, kIncluding };

  StopScanner(std::vector<std::string> stops, Show show);

  // Appends the text of one token without looking at it: the first min_tokens tokens. A later match
  // may begin in it but not end in it.
  void append_unsearched(std::string_view text) { text_.append(text); }

  // Appends the text of one token. The index of the stop string that it completed; the text is then
  // cut and must not grow any more.
  [[nodiscard]] std::optional<std::size_t> append(std::string_view text);

  // What has become sendable since the last take: everything at the end, all but the held-back tail
  // before.
  [[nodiscard]] std::string take(bool finished);

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const std::string& stop(std::size_t index) const { return stops_[index]; }

 private:
  std::vector<std::string> stops_;
  Show show_;
  std::size_t hold_back_ = 0;  // characters
  std::string text_;
  std::size_t taken_ = 0;  // bytes
};

}  // namespace nacelle::serve
