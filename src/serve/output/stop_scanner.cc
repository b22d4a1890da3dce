#include "serve/output/stop_scanner.h"

#include <algorithm>

#include "base/utf8.h"

namespace nacelle::serve {
namespace {

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

// The byte offset `characters` before the end, or `floor` when that comes first.
std::size_t back_from_end(std::string_view text, std::size_t characters, std::size_t floor) {
  std::size_t at = text.size();
  while (characters > 0 && at > floor) {
    --at;
    if (!is_continuation(text[at])) --characters;
  }
  return std::max(at, floor);
}

}  // namespace

StopScanner::StopScanner(std::vector<std::string> stops, Show show)
    : stops_(std::move(stops)), show_(show) {
  if (show == Show::kIncluding) return;
  for (const std::string& stop : stops_) hold_back_ = std::max(hold_back_, utf8_length(stop) - 1);
}

std::optional<std::size_t> StopScanner::append(std::string_view text) {
  const std::size_t old_size = text_.size();
  text_.append(text);
  if (text.empty()) return std::nullopt;
  for (std::size_t i = 0; i < stops_.size(); ++i) {
    const std::string& stop = stops_[i];
    const std::size_t from = old_size - std::min(old_size, stop.size() - 1);
    const std::size_t match = text_.find(stop, from);
    if (match == std::string::npos) continue;
    text_.resize(show_ == Show::kIncluding ? match + stop.size() : match);
    return i;
  }
  return std::nullopt;
}

std::string StopScanner::take(bool finished) {
  const std::size_t end =
      finished ? text_.size() : back_from_end(text_, hold_back_, std::min(taken_, text_.size()));
  if (end <= taken_) return {};
  std::string out = text_.substr(taken_, end - taken_);
  taken_ = end;
  return out;
}

}  // namespace nacelle::serve
