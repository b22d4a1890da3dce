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

  // Returns the seconds it took in all.
  double burst(const kernels::WorkerPool& pool) {
    double spent = 0;
    bool counted = false;
    do {
      const kernels::Stopwatch watch(pool);
      call();
      const double seconds = watch.seconds();
      spent += seconds;
      if (counted || seconds >= kShortSeconds) samples.push_back(seconds);
      counted = true;
    } while (samples.empty() || spent < kBurstSeconds);
    std::this_thread::sleep_for(kPause);
    return spent;
  }
};

}  // namespace

Timing summarise(std::vector<double> seconds) {
  if (seconds.empty()) return {};
  std::sort(seconds.begin(), seconds.end());
  return {seconds.front(), seconds[(seconds.size() - 1) / 2], seconds.size()};
}

Compared compare(const kernels::WorkerPool& pool, const std::function<void()>& ours,
                 const std::function<void()>& peer, const Patience& patience) {
  CHECK(ours);
  Side us{ours, {}};
  Side them{peer, {}};
  double spent = 0;
  while (spent < patience.seconds || us.samples.size() < patience.min_calls ||
         (peer && them.samples.size() < patience.min_calls)) {
    spent += us.burst(pool);
    if (peer) spent += them.burst(pool);
  }
  Compared compared{summarise(std::move(us.samples)), std::nullopt};
  if (peer) compared.peer = summarise(std::move(them.samples));
  return compared;
}

}  // namespace nacelle::yardstick
