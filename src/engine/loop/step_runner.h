// step_runner.h: one engine without its threads: plan, forward, sample, report.
//
// A step has parts, so that most of the bookkeeping can run beside the kernels:
//
//   start_step()   plans, unless that was done ahead, and fills the arrays that the model reads
//   run_step()     forward pass and sampling; may run on another thread
//   finish_step()  appends the tokens, decides who has ended
//   deliver()      tells the sinks
//   plan_ahead()   plans the next step as if each sequence in this one goes on with one token
//
// While run_step() runs, the other thread may add(), abort(), deliver() and plan_ahead(), nothing
// else. step() is all parts in a row. Which way is taken never shows in the tokens.
//
// Deterministic for a given order of calls and clock; tests drive it directly, EngineLoop from its
// threads.
//
// Home:    the engine loop, but for run_step(). Sinks are called from deliver(), abort() and
//          abort_all().
// Errors:  whatever goes wrong with one sequence ends that sequence with FinishReason::kError.
#pragma once

#include <memory>
#include <span>
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
  // After add(): lets new sequences into the step that is planned ahead.
  void extend_planned_step();
  // Unknown ids are ignored. A sequence of the step that runs ends with that step.
  void abort(SequenceId id, FinishReason reason);
  // Ends every sequence; `error` is given with kError. Not while a step runs.
  void abort_all(FinishReason reason, const Status& error = {});

  // False when there is nothing to run: no sequence, or none that could be scheduled this time.
  [[nodiscard]] bool start_step();
  void run_step();
  void finish_step();
  void deliver();
  void plan_ahead();
  void step();

  [[nodiscard]] bool idle() const { return scheduler_.idle(); }
  [[nodiscard]] bool reset_prefix_cache() { return scheduler_.reset_prefix_cache(); }
  // Cache events since the last call (EngineConfig::kv_events), in exchange for an empty log.
  void swap_cache_events(CacheEventLog& log) { scheduler_.swap_cache_events(log); }
  // Valid until the next call of anything here.
  [[nodiscard]] const Stats& read_stats() { return recorder_.read(scheduler_); }
  [[nodiscard]] std::shared_ptr<const Stats> stats() {
    return std::make_shared<const Stats>(read_stats());
  }
  [[nodiscard]] const Scheduler& scheduler() const { return scheduler_; }

 private:
  struct Delivery {
    std::shared_ptr<OutputSink> sink;
    SequenceOutput output;
  };

  ActiveSequence& active(SequenceSlot slot) { return *active_[slot.value]; }
  void take_planned_step();
  void mark_planned(std::size_t first_chunk);
  void end_failed(StepPlan& plan);
  void prepare_rows();
  void note_first_schedule(ActiveSequence& active, TimePoint now);

  void process_chunk(const ScheduledChunk& chunk, std::span<RowJob> rows, TimePoint now);
  void take_tokens(const ScheduledChunk& chunk, ActiveSequence& active, std::span<RowJob> rows,
                   TimePoint now);
  void note_tokens(ActiveSequence& active, std::uint32_t count, TimePoint now);
  void end_by_row_error(ActiveSequence& active, Status error);
  void end(ActiveSequence& active, PendingEnd end);
  bool leave_planned_step(ActiveSequence& active);
  void remove(ActiveSequence& active, KeepCache keep, SequenceOutput output);

  EngineConfig config_;
  std::unique_ptr<model::CausalLm> model_;
  const Clock& clock_;
  std::uint32_t vocab_size_;
  Scheduler scheduler_;
  std::vector<std::unique_ptr<ActiveSequence>> active_;  // by slot
  StatsRecorder recorder_;
  std::vector<Delivery> deliveries_;  // in order, for deliver()
  std::vector<TokenId> drafts_;       // reused

  StepPlan plan_;     // of the step that runs, ran or is about to
  StepPlan planned_;  // of the one after it
  bool has_planned_ = false;

  // Of the step that runs; run_step() alone touches them then.
  BatchBuilder batch_builder_;
  model::ForwardBatch batch_;
  SamplingPass sampling_pass_;
  std::vector<RowJob> rows_;  // as BatchBuilder orders them
  std::size_t logits_size_;
  std::unique_ptr<float[]> logits_;  // [max_logit_rows(config), vocab_size]
};

}  // namespace nacelle::engine
