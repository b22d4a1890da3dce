// label_cap.h: keeps label values that clients choose (model names, flow ids) to a bounded set.
//
// The first `cap` different values stand for themselves, all others are "other": one client that
// invents names cannot grow the process or the monitoring behind it.
//
// Home:    thread-safe.
// Source:  router.md section 15 (1000 values per process).
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>

namespace nacelle::telemetry {

class LabelCap {
 public:
  static constexpr std::size_t kDefault = 1000;
  static constexpr std::size_t kMaxBytes = 256;  // longer values are cut

  explicit LabelCap(std::size_t cap = kDefault) : cap_(cap) {}

  // The value itself, or "other". The view lives as long as this object.
  [[nodiscard]] std::string_view operator()(std::string_view value);

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view v) const { return std::hash<std::string_view>()(v); }
  };

  const std::size_t cap_;
  std::mutex mutex_;
  std::unordered_set<std::string, Hash, std::equal_to<>> seen_;  // guarded; nodes never move
};

}  // namespace nacelle::telemetry
