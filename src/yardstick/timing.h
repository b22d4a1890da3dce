// timing.h: two sides take turns; each call is timed alone.
//
// A turn is a burst of calls: the first one of a short kind is not counted, because the threads of
// the other side have just been awake and its own have slept. Between turns there is a pause in
// which spinning threads of the other side (OpenMP's, or a worker pool's) go to sleep.
//
// Home:    the caller of the pool.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "kernels/worker_pool.h"
#include "yardstick/report.h"

namespace nacelle::yardstick {

struct Patience {
  double seconds = 0.3;       // for both sides together; at least min_calls each, whatever it takes
  std::size_t min_calls = 5;  // of each side
};

struct Compared {
  Timing ours;
  std::optional<Timing> peer;
};

// `peer` may be empty. `between` runs behind the first turns, and again every kBetweenSeconds of
// calls; it gets the best of our calls since it ran last.
[[nodiscard]] Compared compare(const kernels::WorkerPool& pool, const std::function<void()>& ours,
                               const std::function<void()>& peer, const Patience& patience,
                               const std::function<void(double best_s)>& between = {});
inline constexpr double kBetweenSeconds = 30e-3;

// Adds at least one sample. `timed_call` runs a call and returns its seconds. Returns the seconds
// spent in all.
double run_burst(const std::function<double()>& timed_call, std::vector<double>& samples);

// The smallest and the middle of the samples (the lower middle of an even number).
[[nodiscard]] Timing summarise(std::vector<double> seconds);

}  // namespace nacelle::yardstick
