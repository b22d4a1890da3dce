// engine_simulator.h: an engine with continuous batching and chunked prefill, in simulated time, to
// learn latencies from.
//
// A step takes a constant, plus costs per prefill token, per decoding sequence and per token of
// context, times lognormal noise. Prompts are computed first come, first served within a token
// budget, beside one token for every decoding sequence; a sequence runs while its KV fits. What a
// request meets on arrival are its features; its latencies come out of the queueing, not out of a
// formula that the model could copy.
//
// Home:    tests and benchmarks.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <random>
#include <utility>
#include <vector>

#include "router/latency/latency_features.h"

namespace nacelle::router::latency {

struct EngineSpeed {
  double step_seconds = 0.008;
  double per_prefill_token = 30e-6;
  double per_sequence = 0.25e-3;
  double per_context_token = 60e-9;
  double noise = 0.05;  // sigma of the logarithm
};

class EngineSimulator {
 public:
  struct Done {
    LatencyFeatures features;
    double ttft_seconds = 0;
    double tpot_seconds = 0;  // 0 for answers of one token
  };

  EngineSimulator(EngineSpeed speed, std::uint64_t seed) : speed_(speed), random_(seed) {}

  void set_speed(EngineSpeed speed) { speed_ = speed; }

  [[nodiscard]] LatencyFeatures look(double input_tokens, double prefix_score) const {
    LatencyFeatures f;
    f.kv_usage = std::min(1.0, kv_used() / kCapacityTokens);
    f.input_tokens = input_tokens;
    f.prefix_score = prefix_score;
    f.waiting_requests = static_cast<double>(waiting_.size());
    f.running_requests = static_cast<double>(running_.size());
    for (const auto& s : running_) {
      f.prefill_tokens_in_flight += s.to_compute;
      if (s.to_compute == 0) f.decode_tokens_in_flight += s.context;
    }
    for (const auto& s : waiting_) f.prefill_tokens_in_flight += s.to_compute;
    return f;
  }

  void arrive(double now, double input_tokens, double prefix_score, std::uint64_t output_tokens) {
    Sequence s;
    s.features = look(input_tokens, prefix_score);
    s.arrived = now;
    s.context = input_tokens;
    s.to_compute = std::max(1.0, std::floor(input_tokens * (1 - prefix_score)));
    s.remaining = output_tokens;
    s.output = output_tokens;
    waiting_.push_back(s);
    if (clock_ < now && running_.empty()) clock_ = now;
  }

  // Runs steps that begin before `until`; finished requests go to `done`.
  void run(double until, const std::function<void(const Done&)>& done) {
    while (clock_ < until) {
      admit();
      if (running_.empty()) {
        clock_ = until;
        return;
      }
      step(done);
    }
  }

 private:
  static constexpr double kCapacityTokens = 150'000;
  static constexpr double kBudgetTokens = 2048;
  static constexpr std::size_t kMaxRunning = 64;

  struct Sequence {
    LatencyFeatures features;
    double arrived = 0;
    double first_token = 0;
    double context = 0;
    double to_compute = 0;
    std::uint64_t remaining = 0;
    std::uint64_t output = 0;
  };

  [[nodiscard]] double kv_used() const {
    double used = 0;
    for (const auto& s : running_) used += s.context;
    return used;
  }

  void admit() {
    while (!waiting_.empty() && running_.size() < kMaxRunning &&
           kv_used() + waiting_.front().context < kCapacityTokens) {
      running_.push_back(waiting_.front());
      waiting_.pop_front();
    }
  }

  void step(const std::function<void(const Done&)>& done) {
    double budget = kBudgetTokens;
    double seconds = speed_.step_seconds;
    std::vector<Sequence*> emit;
    for (Sequence& s : running_) {
      if (s.to_compute > 0) continue;
      budget -= 1;
      seconds += speed_.per_sequence + speed_.per_context_token * s.context;
      emit.push_back(&s);
    }
    for (Sequence& s : running_) {
      if (s.to_compute == 0 || budget <= 0) continue;
      const double chunk = std::min(budget, s.to_compute);
      budget -= chunk;
      s.to_compute -= chunk;
      seconds += speed_.per_prefill_token * chunk + speed_.per_context_token * s.context;
      if (s.to_compute == 0) emit.push_back(&s);
    }
    clock_ += seconds * std::exp(speed_.noise * normal_(random_));
    for (Sequence* s : emit) {
      if (s->first_token == 0) s->first_token = clock_;
      s->context += 1;
      s->remaining -= 1;
    }
    std::erase_if(running_, [&](const Sequence& s) {
      if (s.remaining > 0) return false;
      Done out{s.features, s.first_token - s.arrived, 0};
      if (s.output > 1) {
        out.tpot_seconds = (clock_ - s.first_token) / static_cast<double>(s.output - 1);
      }
      done(out);
      return true;
    });
  }

  EngineSpeed speed_;
  std::mt19937_64 random_;
  std::normal_distribution<double> normal_;
  double clock_ = 0;
  std::deque<Sequence> waiting_;
  std::vector<Sequence> running_;
};

// Four such engines under a load that swings between a quarter and nearly all of what they bear.
class PoolSimulator {
 public:
  explicit PoolSimulator(std::uint64_t seed, EngineSpeed speed = {}) : random_(seed) {
    for (std::uint64_t i = 0; i < 4; ++i) engines_.emplace_back(speed, seed * 31 + i);
  }

  void set_speed(EngineSpeed speed) {
    for (auto& engine : engines_) engine.set_speed(speed);
  }
  void set_load(double factor) { load_ = factor; }

  // Plays until `count` requests more have finished.
  void play(std::size_t count, const std::function<void(const EngineSimulator::Done&)>& done) {
    std::size_t finished = 0;
    const auto counted = [&](const EngineSimulator::Done& d) {
      ++finished;
      done(d);
    };
    while (finished < count) {
      const double swing = 0.6 + 0.4 * std::sin(now_ / 40);
      now_ += std::exponential_distribution<double>(kPeakRate * load_ * swing)(random_);
      for (auto& engine : engines_) engine.run(now_, counted);
      const double input =
          std::clamp(std::lognormal_distribution<double>(6.6, 0.9)(random_), 8.0, 16'000.0);
      const bool cached = random_() % 2 == 0;
      const double prefix = cached ? std::uniform_real_distribution<double>(0.2, 0.95)(random_) : 0;
      const auto output =
          1 + static_cast<std::uint64_t>(std::exponential_distribution<double>(1.0 / 120)(random_));
      // Not the least loaded one: a model must see crowded endpoints too.
      engines_[random_() % engines_.size()].arrive(now_, std::floor(input), prefix, output);
    }
  }

 private:
  static constexpr double kPeakRate = 46;  // requests per second over all engines

  std::mt19937_64 random_;
  std::deque<EngineSimulator> engines_;
  double now_ = 0;
  double load_ = 1;
};

}  // namespace nacelle::router::latency
