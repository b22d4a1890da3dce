// index_set.h: which indexes of an Indexed Job are done, and their text: "0-3,7".
//
// Home:    pure; a value.
// Errors:  parse() passes over what is no index below the limit: the text is our own status.
// Bounds:  a bit per index.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nacelle::control::workload {

class IndexSet {
 public:
  explicit IndexSet(std::int64_t limit)
      : has_(static_cast<std::size_t>(std::max<std::int64_t>(0, limit))) {}

  [[nodiscard]] static IndexSet parse(std::string_view text, std::int64_t limit) {
    IndexSet out(limit);
    while (!text.empty()) {
      const std::string_view part = text.substr(0, text.find(','));
      text.remove_prefix(std::min(text.size(), part.size() + 1));
      std::int64_t first = -1;
      const char* const end = part.data() + part.size();
      const auto [at, error] = std::from_chars(part.data(), end, first);
      if (error != std::errc{} || first < 0) continue;
      std::int64_t last = first;
      if (at != end && (*at != '-' || std::from_chars(at + 1, end, last).ec != std::errc{})) {
        continue;
      }
      for (std::int64_t i = first; i <= std::min(last, limit - 1); ++i) out.add(i);
    }
    return out;
  }

  // False when it is beyond the limit or was there.
  bool add(std::int64_t index) {
    if (index < 0 || static_cast<std::size_t>(index) >= has_.size() || contains(index)) {
      return false;
    }
    has_[static_cast<std::size_t>(index)] = true;
    ++size_;
    return true;
  }
  [[nodiscard]] bool contains(std::int64_t index) const {
    return index >= 0 && static_cast<std::size_t>(index) < has_.size() &&
           has_[static_cast<std::size_t>(index)];
  }
  [[nodiscard]] std::int64_t size() const { return size_; }

  [[nodiscard]] std::string to_string() const {
    std::string out;
    for (std::size_t i = 0; i < has_.size(); ++i) {
      if (!has_[i]) continue;
      std::size_t last = i;
      while (last + 1 < has_.size() && has_[last + 1]) ++last;
      if (!out.empty()) out += ',';
      out += std::to_string(i);
      if (last > i) out += (last == i + 1 ? "," : "-") + std::to_string(last);
      i = last;
    }
    return out;
  }

 private:
  std::vector<bool> has_;
  std::int64_t size_ = 0;
};

}  // namespace nacelle::control::workload
