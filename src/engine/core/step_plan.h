// step_plan.h: the decision for one pass of the engine, as a value.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/status.h"
#include "engine/core/ids.h"

namespace nacelle::engine {

// Consecutive tokens of one sequence that are computed in this step.
struct ScheduledChunk {
  SequenceId sequence;
  SequenceSlot slot;
  std::uint32_t first_token = 0;  // position in the sequence
  std::uint32_t num_tokens = 0;   // drafts included
  // The chunk reaches the newest token: the last rows, one more than there are drafts, yield what
  // follows.
  bool samples = false;
  std::uint32_t num_draft_tokens = 0;  // guesses after the newest token, verified in this step
  // Prompt positions whose logits are wanted, beginning at first_prompt_row.
  std::uint32_t first_prompt_row = 0, num_prompt_rows = 0;

  [[nodiscard]] std::uint32_t num_sampling_rows() const {
    return samples ? 1 + num_draft_tokens : 0;
  }
  friend bool operator==(const ScheduledChunk&, const ScheduledChunk&) = default;
};

// Reused from step to step, so that planning allocates nothing once it has grown.
struct StepPlan {
  std::vector<ScheduledChunk> chunks;  // running sequences in their order, then admitted ones
  std::vector<SequenceId> preempted;   // gave back their blocks, wait again
  std::vector<std::pair<SequenceId, Status>> failed;  // can never fit: gone, answer them
  std::uint32_t num_tokens = 0;                       // of all chunks

  void clear() {
    chunks.clear();
    preempted.clear();
    failed.clear();
    num_tokens = 0;
  }
};

}  // namespace nacelle::engine
