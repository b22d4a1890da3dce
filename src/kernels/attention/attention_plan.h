// attention_plan.h: a batch cut into tasks of attention, made once per step and used by its layers.
//
// Three reasons to cut a sequence's context, which is done at multiples of kAttentionPart only:
//   few sequences    a decode over a long context becomes several tasks, so that all threads work
//   uneven lengths   one long sequence among short ones does too
//   shared prefixes  parts that decodes share in the same blocks become tasks with the rows of all
//                    those sequences, which read K and V once (cascade)
// Tasks over some parts of a query write partials; a merge per such query joins them.
// attention_isa.h says why none of this shows in the result.
//
// Home:    caller thread of the pool. Keeps its memory: no allocation in a steady state. Refers to
//          the block tables it was made from.
// Errors:  none: block tables and lengths are the engine's own values and are CHECKed here, once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/attention/attention_isa.h"
#include "kernels/attention/kv_layout.h"
#include "kernels/attention/shared_prefix.h"
#include "tensor/buffer.h"

namespace nacelle::kernels {

// Consecutive tokens of one sequence: its positions [context_len - num_queries, context_len).
struct AttentionSequence {
  std::uint32_t first_row = 0;  // the batch row of the first of them
  std::uint32_t num_queries = 0;
  std::uint32_t context_len = 0;               // tokens of the sequence up to and with this chunk
  std::span<const std::uint32_t> block_table;  // covers at least context_len slots
};

struct AttentionTask {
  const std::uint32_t* block_table = nullptr;
  std::uint32_t first_query = 0;  // in AttentionPlan::queries()
  std::uint32_t num_queries = 0;
  std::uint32_t kv_head = 0;
  std::uint32_t num_kv_heads = 0;
  std::uint32_t first_head = 0;  // query head of the model
  std::uint32_t num_heads = 0;   // per KV head
  std::uint32_t first_part = 0;
  std::uint32_t last_part = 0;
  bool partial = false;
};

class AttentionPlan {
 public:
  // `window`: AttentionOptions::sliding_window of the layers that use the plan.
  void make(const KvLayout& layout, std::span<const AttentionSequence> sequences,
            std::uint32_t num_heads, std::uint32_t window, std::size_t num_threads);

  [[nodiscard]] std::span<const AttentionSequence> sequences() const { return sequences_; }
  [[nodiscard]] std::span<const AttentionQuery> queries() const { return queries_; }
  [[nodiscard]] std::span<const AttentionTask> tasks() const { return tasks_; }
  // Queries whose partials are to be joined.
  [[nodiscard]] std::span<const std::uint32_t> merges() const { return merges_; }
  [[nodiscard]] const AttentionPartials& partials() const { return partials_; }
  [[nodiscard]] std::uint32_t window() const { return window_; }
  [[nodiscard]] std::uint32_t num_heads() const { return num_heads_; }
  // Neighbouring tasks that are worth one thread's turn.
  [[nodiscard]] std::size_t tasks_per_turn() const { return tasks_per_turn_; }

 private:
  // Rows over the same blocks: some queries with all heads.
  struct Rows {
    const std::uint32_t* block_table;
    std::uint32_t first_query;
    std::uint32_t num_queries;
    std::uint32_t first_part;
    std::uint32_t last_part;
    bool partial;
  };

  void add_queries(const AttentionSequence& sequence);
  void find_shared();
  void add_shared();
  void add_sequence(const AttentionSequence& sequence, std::uint32_t first_query,
                    std::uint32_t shared_parts);
  // Cuts rows into tasks over heads and parts. Rows that end up cut over parts become partial.
  void add_rows(Rows rows);
  void reserve_partials(std::uint32_t first_query, std::uint32_t num_queries);
  [[nodiscard]] std::size_t cost(std::size_t num_queries, std::size_t num_parts) const;
  [[nodiscard]] std::uint32_t most_rows() const;

  KvLayout layout_;
  std::uint32_t num_heads_ = 0;
  std::uint32_t group_ = 1;  // query heads per KV head
  std::uint32_t window_ = 0;
  std::size_t task_cost_ = 0;  // a task that costs more is cut if it can be
  std::size_t tasks_per_turn_ = 1;

  std::vector<AttentionSequence> sequences_;
  std::vector<AttentionQuery> queries_;      // of all sequences, then those of shared parts again
  std::vector<std::uint32_t> first_query_;   // of each sequence
  std::vector<std::uint32_t> shared_parts_;  // of each sequence: leading parts in shared tasks
  std::vector<PrefixCandidate> candidates_;
  SharedPrefixes shared_;
  std::vector<AttentionTask> tasks_;
  std::vector<std::uint32_t> merges_;
  std::uint32_t num_partials_ = 0;
  AttentionPartials partials_;
  Buffer partial_memory_;
};

}  // namespace nacelle::kernels
