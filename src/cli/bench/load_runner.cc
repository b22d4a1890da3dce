#include "cli/bench/load_runner.h"

#include <fmt/format.h>

#include <cmath>
#include <random>

#include "async/timer.h"

namespace nacelle::cli {

std::string Stage::name() const {
  if (concurrency > 0) return fmt::format("concurrency {}", concurrency);
  return fmt::format("rate {:g}/s {}", rate, arrival == Arrival::kPoisson ? "poisson" : "constant");
}

std::vector<double> arrival_times(const Stage& stage, std::uint64_t seed) {
  std::vector<double> times;
  std::mt19937_64 random(seed);
  double at = 0;
  while (stage.requests > 0 ? times.size() < stage.requests : at < stage.duration_s) {
    times.push_back(at);
    if (stage.arrival == Arrival::kConstant) {
      at = static_cast<double>(times.size()) / stage.rate;
    } else {
      const double u = (static_cast<double>(random() >> 11) + 0.5) * 0x1.0p-53;
      at += -std::log(u) / stage.rate;
    }
  }
  return times;
}

LoadRunner::LoadRunner(async::Loop& loop, LoadTarget target, std::vector<std::string> prompts,
                       Progress progress)
    : loop_(loop),
      client_(loop, std::move(target)),
      prompts_(std::move(prompts)),
      progress_(std::move(progress)) {}

std::string LoadRunner::next_prompt() { return prompts_[next_prompt_++ % prompts_.size()]; }

void LoadRunner::record(Measurement measurement, std::size_t total) {
  measurements_.push_back(std::move(measurement));
  if (progress_) progress_(measurements_.size(), total);
}

async::Task<void> LoadRunner::worker(std::size_t total) {
  while (started_ < total) {
    ++started_;
    Measurement measurement = co_await client_.send(next_prompt(), start_);
    record(std::move(measurement), total);
  }
}

async::Task<void> LoadRunner::one(std::string prompt, double planned_s) {
  Measurement measurement = co_await client_.send(std::move(prompt), start_);
  measurement.schedule_delay_s = measurement.sent_s - planned_s;
  record(std::move(measurement), total_);
}

async::Task<std::vector<Measurement>> LoadRunner::run(Stage stage, std::uint64_t seed) {
  measurements_.clear();
  started_ = 0;
  start_ = std::chrono::steady_clock::now();
  async::StopScope scope(loop_);
  if (stage.concurrency > 0) {
    total_ = stage.requests;
    for (std::uint32_t i = 0; i < stage.concurrency; ++i) scope.spawn(worker(total_));
  } else {
    const std::vector<double> times = arrival_times(stage, seed);
    total_ = times.size();
    for (const double at : times) {
      const TimePoint when =
          start_ + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(at));
      if (when > std::chrono::steady_clock::now()) co_await async::sleep_until(when);
      scope.spawn(one(next_prompt(), at));
    }
  }
  co_await scope.join();
  co_return std::move(measurements_);
}

}  // namespace nacelle::cli
