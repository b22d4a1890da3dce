// outlier.h: takes endpoints out that answer with errors time after time.
//
// An endpoint with enough errors in a row is ejected for base_ejection times the number of its
// ejections in a row, at most max_ejection, and comes back by itself. No more than a share of the
// endpoints is out at a time, but one may always be.
//
// Home:    thread-safe: results are atomics, an ejection takes a leaf lock.
// Source:  gateway.md section 17.4.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "gateway/config/model.h"

namespace nacelle::gateway {

class OutlierDetector {
 public:
  OutlierDetector(std::optional<OutlierConfig> config, std::size_t endpoints);

  // An answer's status, or 0 for an endpoint that could not be reached or broke off. True when
  // this result ejected it.
  bool on_result(std::size_t endpoint, int status, TimePoint now);
  [[nodiscard]] bool ejected(std::size_t endpoint, TimePoint now) const;
  [[nodiscard]] std::uint64_t ejections() const { return total_.load(std::memory_order_relaxed); }

 private:
  struct State {
    std::atomic<std::uint32_t> errors{0};          // 5xx and the like, in a row
    std::atomic<std::uint32_t> gateway_errors{0};  // 502 to 504 and broken connections
    std::atomic<Duration::rep> out_until{0};       // 0 = never ejected
    std::uint32_t in_a_row = 0;                    // ejections; guarded
  };

  bool eject(std::size_t endpoint, TimePoint now);

  const std::optional<OutlierConfig> config_;
  std::vector<State> states_;
  std::mutex mutex_;
  std::atomic<std::uint64_t> total_{0};
};

}  // namespace nacelle::gateway
