#include "yardstick/timing.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/check.h"
#include "kernels/bench/machine_rates.h"

namespace nacelle::yardstick {
namespace {

constexpr double kBurstSeconds = 3e-3;
constexpr double kShortSeconds = 20e-3;  // calls below this have a first call that is not counted
constexpr auto kPause = std::chrono::milliseconds(1);

struct Side {
  const std::function<void()>& call;
  std::vector<double> samples;

  double burst(const kernels::WorkerPool& pool) {
    const double spent = run_burst(
        [&] {
          const kernels::Stopwatch watch(pool);
          call();
          return watch.seconds();
        },
        samples);
    std::this_thread::sleep_for(kPause);
    return spent;
  }
};

}  // namespace

double run_burst(const std::function<double()>& timed_call, std::vector<double>& samples) {
  double spent = 0;
  const std::size_t before = samples.size();
  bool first = true;
  // At least one sample a burst: else calls longer than a burst would count only when slow.
  do {
    const double seconds = timed_call();
    spent += seconds;
    if (!first || seconds >= kShortSeconds) samples.push_back(seconds);
    first = false;
  } while (samples.size() == before || spent < kBurstSeconds);
  return spent;
}

Timing summarise(std::vector<double> seconds) {
  if (seconds.empty()) return {};
  std::sort(seconds.begin(), seconds.end());
  return {seconds.front(), seconds[(seconds.size() - 1) / 2], seconds.size()};
}

Compared compare(const kernels::WorkerPool& pool, const std::function<void()>& ours,
                 const std::function<void()>& peer, const Patience& patience,
                 const std::function<void(double best_s)>& between) {
  CHECK(ours);
  Side us{ours, {}};
  Side them{peer, {}};
  double spent = 0;
  double next = 0;  // when `between` runs again
  std::size_t told = 0;
  while (spent < patience.seconds || us.samples.size() < patience.min_calls ||
         (peer && them.samples.size() < patience.min_calls)) {
    spent += us.burst(pool);
    if (peer) spent += them.burst(pool);
    if (between && spent >= next) {
      between(*std::min_element(us.samples.begin() + static_cast<std::ptrdiff_t>(told),
                                us.samples.end()));
      told = us.samples.size();
      next = spent + kBetweenSeconds;
    }
  }
  Compared compared{summarise(std::move(us.samples)), std::nullopt};
  if (peer) compared.peer = summarise(std::move(them.samples));
  return compared;
}

}  // namespace nacelle::yardstick
