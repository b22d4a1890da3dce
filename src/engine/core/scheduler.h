// scheduler.h: decides what each step computes: continuous batching with chunked prefill.
//
// Running sequences come first, in the order of admission; then waiting ones are admitted while
// token budget, sequence places and blocks last. A running sequence that finds no block takes those
// of the least urgent one, which waits again and is recomputed (its cached prefix usually
// survives).
//
// A plan may be made while the step before it still runs: expect_token() puts a pending token where
// that step will yield one, append_token() fills it in, and drop_chunk() takes a sequence that has
// ended meanwhile out of the plan. extend_plan() admits who came since.
//
// Drafts (set_drafts) ride along with the newest token as far as the budgets reach; they never make
// anyone wait or preempt. reject_drafts() takes back those that were not what the model says.
//
// Home:       the engine loop. Not thread-safe. Pure: the same calls give the same plans.
// Errors:     StepPlan::failed names sequences that can never fit the cache or the budget.
// Invariants: a plan never exceeds max_num_batched_tokens, max_num_seqs or max_prompt_rows; while
// there
//             are sequences, steps make progress.
// Source:     engine.md section 22.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "engine/core/kv_cache.h"
#include "engine/core/options.h"
#include "engine/core/sequence.h"
#include "engine/core/step_plan.h"
#include "engine/core/waiting_queue.h"

namespace nacelle::engine {

struct SchedulerOptions {
  std::uint32_t max_num_batched_tokens = 2048;
  std::uint32_t max_num_seqs = 128;
  std::uint32_t max_model_len = 4096;
  std::uint32_t long_prefill_token_threshold = 0;  // 0 = off
  bool enable_chunked_prefill = true;
  bool reserve_full_prompt =
      true;  // admission needs free blocks for all tokens, not just the chunk
  // Prompt rows with logits per step, over all sequences: bounds the memory of prompt logprobs.
  std::uint32_t max_prompt_rows = 128;
  // Drafts verified per step, over all sequences: bounds the memory of their logits.
  std::uint32_t max_draft_tokens = 0;
  SchedulingPolicy policy = SchedulingPolicy::kFcfs;
};

struct SchedulerCounters {
  // Tokens, at each lookup that plans a step, or that lets a sequence into a planned one; not of
  // preempted sequences.
  std::uint64_t prefix_queries = 0;
  std::uint64_t prefix_hits = 0;
  std::uint64_t preemptions = 0;
};

enum class KeepCache { kYes, kNo };

class Scheduler {
 public:
  Scheduler(const SchedulerOptions& options, KvCache cache);

  // Queues a sequence. Its id is new, its prompt has 1 to max_model_len - 1 tokens.
  SequenceSlot add(NewSequence sequence);

  // Decides the next step and counts its tokens as computed. Replaces `plan`.
  void plan_step(StepPlan& plan);
  [[nodiscard]] StepPlan plan_step() {
    StepPlan plan;
    plan_step(plan);
    return plan;
  }
  // Admits waiting sequences to a plan whose step has not begun, as far as its limits allow.
  void extend_plan(StepPlan& plan);

  // The step in flight will yield a token of this sequence.
  void expect_token(SequenceSlot slot);
  // Appends a token that a step yielded, or fills in the one that was expected.
  void append_token(SequenceSlot slot, TokenId token);
  void append_token(SequenceId id, TokenId token) { append_token(slot_of(id), token); }
  // Takes the chunk that computes a sequence's pending token out of a plan whose step has not
  // begun, because the sequence has ended; finish() follows. The chunk stays, with no tokens.
  void drop_chunk(StepPlan& plan, ScheduledChunk& chunk);

  // Guesses what follows the newest token; replaces older ones.
  void set_drafts(SequenceSlot slot, std::span<const TokenId> drafts);
  // Of the drafts that the last step computed, `num_rejected` are not part of the sequence. Call
  // before the tokens that the step yielded are appended.
  void reject_drafts(SequenceSlot slot, std::uint32_t num_rejected);

  // Forgets the sequence and frees its blocks. kNo also drops their content from the prefix cache,
  // for a sequence whose K and V cannot be trusted. Unknown ids are ignored.
  void finish(SequenceId id, KeepCache keep = KeepCache::kYes);

  // nullptr when it is not here (any more). Valid until finish() or a plan that fails it.
  [[nodiscard]] const Sequence* find(SequenceId id) const;
  // Of a sequence that is here.
  [[nodiscard]] const Sequence& at(SequenceSlot slot) const { return *slots_[slot.value]; }

  // Forgets all cached content; false while any block is in use.
  [[nodiscard]] bool reset_prefix_cache() { return cache_.reset(); }
  void swap_cache_events(CacheEventLog& log) { cache_.swap_events(log); }
  [[nodiscard]] std::vector<CacheEvent> take_cache_events() { return cache_.take_events(); }

  [[nodiscard]] bool idle() const { return slot_of_.empty(); }
  [[nodiscard]] std::uint32_t num_running() const {
    return static_cast<std::uint32_t>(running_.size());
  }
  [[nodiscard]] std::uint32_t num_waiting() const {
    return static_cast<std::uint32_t>(waiting_.size());
  }
  [[nodiscard]] const KvCache& cache() const { return cache_; }
  [[nodiscard]] const SchedulerCounters& counters() const { return counters_; }
  [[nodiscard]] const SchedulerOptions& options() const { return options_; }

 private:
  // What is left of a step's limits.
  struct Budget {
    std::uint32_t tokens, prompt_rows, drafts;
  };

  SequenceSlot slot_of(SequenceId id) const;
  void schedule_running(StepPlan& plan, Budget& budget);
  enum class Admission { kPlanning, kExtending };
  void admit_waiting(StepPlan& plan, Budget& budget, Admission kind);
  void count_lookup(const Sequence& sequence, std::uint32_t num_hit);
  ScheduledChunk next_chunk(const Sequence& sequence, std::uint32_t computed,
                            const Budget& budget) const;
  std::uint32_t num_drafts_for(const Sequence& sequence, const ScheduledChunk& chunk,
                               std::uint32_t others, const Budget& budget) const;
  bool blocked_by_budget(const Sequence& sequence, std::uint32_t computed,
                         std::uint32_t budget_tokens) const;
  Status why_it_never_fits(const Sequence& sequence) const;
  std::size_t least_urgent_running() const;  // index in running_
  void preempt(std::size_t index_in_running, StepPlan& plan, Budget& budget);
  void accept(const ScheduledChunk& chunk, std::uint32_t cached_before, StepPlan& plan,
              Budget& budget);
  void fail(Sequence& sequence, Status why, StepPlan& plan);
  void advance(std::span<const ScheduledChunk> chunks);

  SchedulerOptions options_;
  KvCache cache_;
  SchedulerCounters counters_;
  std::unordered_map<SequenceId, SequenceSlot> slot_of_;
  std::vector<std::unique_ptr<Sequence>> slots_;  // null: free
  std::vector<SequenceSlot> free_slots_;
  std::vector<Sequence*> running_;  // in the order of admission
  WaitingQueue waiting_;
  std::vector<BlockId> hit_;                  // reused
  std::vector<std::uint32_t> cached_before_;  // per chunk of the plan: cached blocks before it
};

}  // namespace nacelle::engine
