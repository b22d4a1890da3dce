// load_rates.h: how fast requests come and how fast a replica at its limit answers them, from
// counters that are looked at now and then.
//
// Arrivals are those of the last minute. A replica is at its limit while requests wait: what all
// answered then, by the time and the replicas that they had for it, over the last minute that was
// like that, however long ago.
//
// Home:    pure; a value.
// Bounds:  kMaxSamples.
// Source:  scaling-and-benchmarks.md section 8, row 3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

namespace nacelle::control::llmd {

class LoadRates {
 public:
  static constexpr std::int64_t kWindow = 60;       // seconds
  static constexpr std::int64_t kLeastSeconds = 5;  // less says nothing
  static constexpr std::size_t kMaxSamples = 256;

  struct Sample {
    std::int64_t now = 0;  // seconds
    std::int64_t arrived = 0, completed = 0;
    std::int64_t ready = 0;
    bool saturated = false;  // requests wait in the replicas
  };
  // Counters that went back were begun anew, and so is this; so does a clock that went back.
  void add(const Sample& sample);

  [[nodiscard]] std::optional<double> arrival_rate() const;
  // Of one replica.
  [[nodiscard]] std::optional<double> completion_rate() const;

 private:
  struct Busy {
    std::int64_t replica_seconds, completed;
  };

  std::deque<Sample> samples_;
  std::deque<Busy> busy_;
};

}  // namespace nacelle::control::llmd
