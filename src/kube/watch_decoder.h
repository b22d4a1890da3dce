// watch_decoder.h: events out of the bytes of a watch, which is one JSON document per line.
//
// Home:    pure; one per watch.
// Errors:  data_loss for a line that is no event, out_of_range for one beyond the bound; the
//          decoder then stays failed: the order of changes is lost, so the reader lists again.
// Source:  kubernetes-api.md section 10.2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "kube/object.h"

namespace nacelle::kube {

struct WatchEvent {
  enum class Type : std::uint8_t { kAdded, kModified, kDeleted, kBookmark, kError };
  Type type = Type::kAdded;
  Json object;  // a Status object for kError
};

class WatchDecoder {
 public:
  explicit WatchDecoder(std::size_t max_line_bytes = std::size_t{8} << 20)
      : max_line_bytes_(max_line_bytes) {}

  // Appends the events that are complete. What came before a bad line is appended, too.
  [[nodiscard]] Status feed(std::string_view bytes, std::vector<WatchEvent>& out);

  // Bytes of a line that has not ended.
  [[nodiscard]] std::size_t held_bytes() const { return held_.size(); }

 private:
  [[nodiscard]] Status take_line(std::string_view line, std::vector<WatchEvent>& out);

  const std::size_t max_line_bytes_;
  std::string held_;
  Status failed_;
};

}  // namespace nacelle::kube
