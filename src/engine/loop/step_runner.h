// step_runner.h: one engine without its thread: plan, forward, sample, report.
//
// Deterministic for a given order of calls and clock; tests drive it directly, EngineLoop from its
// thread.
//
// Home:    the engine loop. Not thread-safe. Sinks are called from within the methods.
// Errors:  whatever goes wrong with one sequence ends that sequence with FinishReason::kError.
#pragma once

#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "engine/core/scheduler.h"
#include "engine/engine.h"
#include "engine/exec/batch_builder.h"
#include "engine/exec/sampling_pass.h"
#include "engine/loop/active_sequence.h"
#include "engine/loop/stats_recorder.h"
#include "model/causal_lm.h"

namespace nacelle::engine {

class StepRunner {
 public:
  // `config` passed check_config() and `model` has its KV memory. `pool` may be null; it and
  // `clock` must outlive this.
  StepRunner(const EngineConfig& config, BlockHasher hasher, std::unique_ptr<model::CausalLm> model,
             kernels::WorkerPool* pool, const Clock& clock);

  // `request` passed check_request(); `id` is new.
  void add(SequenceId id, Request request, Engine::Admission place,
           std::shared_ptr<OutputSink> sink, TimePoint queued);
  // Unknown ids are ignored.
  void abort(SequenceId id, FinishReason reason);
  // Ends every sequence; `error` is given with kError.
  void abort_all(FinishReason reason, const Status& error = {});

  // One pass over the scheduled sequences.
  void step();

  [[nodiscard]] bool idle() const { return scheduler_.idle(); }
  [[nodiscard]] bool reset_prefix_cache() { return scheduler_.reset_prefix_cache(); }
  [[nodiscard]] std::shared_ptr<const Stats> stats() { return recorder_.snapshot(scheduler_); }
  [[nodiscard]] const Scheduler& scheduler() const { return scheduler_; }

 private:
  using Active = std::unordered_map<SequenceId, ActiveSequence>;

  void note_first_schedule(const ScheduledChunk& chunk, TimePoint now);
  void sample_rows(const StepPlan& plan);
  void process_chunk(const ScheduledChunk& chunk, std::span<RowJob> rows, TimePoint now);
  void deliver_token(SequenceId id, ActiveSequence& active, SampledToken sampled, TimePoint now);
  void finish(SequenceId id, FinishReason reason, Status error, KeepCache keep);
  void finish_corrupted(SequenceId id, Status error);

  EngineConfig config_;
  std::unique_ptr<model::CausalLm> model_;
  const Clock& clock_;
  std::uint32_t vocab_size_;
  Scheduler scheduler_;
  Active active_;
  BatchBuilder batch_builder_;
  SamplingPass sampling_pass_;
  std::vector<RowJob> rows_;  // of the step, as BatchBuilder orders them
  StatsRecorder recorder_;
  std::unique_ptr<float[]> logits_;  // [max_num_seqs + max_prompt_logprob_rows, vocab_size]
  std::size_t logits_size_;
};

}  // namespace nacelle::engine
