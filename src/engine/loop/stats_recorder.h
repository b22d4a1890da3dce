// stats_recorder.h: turns what happens to sequences into counters and histograms.
//
// Home:    the engine loop.
// Source:  engine.md section 21, "Times".
#pragma once

#include <memory>

#include "engine/core/scheduler.h"
#include "engine/loop/active_sequence.h"
#include "engine/stats.h"

namespace nacelle::engine {

class StatsRecorder {
 public:
  explicit StatsRecorder(std::uint32_t max_model_len) : stats_(make_stats(max_model_len)) {}

  // One token of `sequence` at `now`; its times are those before this token.
  void on_token(const ActiveSequence& sequence, TimePoint now);
  // Times and counts are final. Latencies are observed only when there was a token.
  void on_finish(const ActiveSequence& sequence, FinishReason reason, TimePoint now);
  void on_corrupted() { ++stats_.corrupted_requests; }
  void on_step();

  // With the scheduler's gauges as of now.
  [[nodiscard]] std::shared_ptr<const Stats> snapshot(const Scheduler& scheduler);

 private:
  Stats stats_;
  std::uint64_t tokens_in_step_ = 0;
};

}  // namespace nacelle::engine
