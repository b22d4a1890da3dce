// stats_recorder.h: turns what happens to sequences into counters and histograms.
//
// Home:    the engine loop.
// Source:  engine.md section 21, "Times".
#pragma once

#include "engine/core/scheduler.h"
#include "engine/loop/active_sequence.h"
#include "engine/stats.h"

namespace nacelle::engine {

class StatsRecorder {
 public:
  explicit StatsRecorder(const EngineConfig& config)
      : stats_(make_stats(config.max_model_len, config.speculative.num_speculative_tokens)) {}

  // A step yielded `count` tokens of `sequence` at `now`; its times are those before them.
  void on_tokens(const ActiveSequence& sequence, std::uint32_t count, TimePoint now);
  // A step verified drafts of a sequence.
  void on_drafts(std::uint32_t num_drafts, std::uint32_t num_accepted);
  // Times and counts are final. Latencies are observed only when there was a token.
  void on_finish(const ActiveSequence& sequence, FinishReason reason, TimePoint now);
  void on_corrupted() { ++stats_.corrupted_requests; }
  void on_step();

  // With the scheduler's gauges as of now. Valid until the next call of anything here.
  [[nodiscard]] const Stats& read(const Scheduler& scheduler);

 private:
  Stats stats_;
  std::uint64_t tokens_in_step_ = 0;
};

}  // namespace nacelle::engine
