// sequence.h: one token stream as the scheduler sees it.
//
// There is no prefill or decode state: tokens (prompt, then outputs) run ahead, `num_computed` of
// them have their K and V in blocks, and every step brings the second number closer to the first.
//
// Tokens are of three kinds: known ones; at most one that the step in flight will yield, whose
// place is taken by kPendingToken; and drafts, guesses after the known ones that a step verifies.
// Only blocks of known tokens enter the prefix index.
//
// Home:    the engine loop; owned by the Scheduler.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/token.h"
#include "engine/core/block_hash.h"
#include "engine/core/block_table.h"
#include "engine/core/ids.h"

namespace nacelle::engine {

enum class SequenceState { kWaiting, kRunning, kPreempted };

// What the scheduler needs to know of a new sequence.
struct NewSequence {
  SequenceId id;
  std::vector<TokenId> prompt;  // at least one
  std::int64_t priority = 0;    // lower first
  TimePoint arrival{};
  std::string lora_name;   // "" = none
  std::string cache_salt;  // "" = none
  // The logits of all prompt rows are wanted, so the prefix cache is not read.
  bool wants_prompt_rows = false;
  std::uint32_t max_num_tokens = 0;  // prompt and outputs; 0 = max_model_len
};

// Stands for a token that the step in flight will yield.
inline constexpr TokenId kPendingToken = -1;

struct Sequence {
  SequenceId id;
  SequenceSlot slot;
  SequenceState state = SequenceState::kWaiting;
  std::vector<TokenId> tokens;
  bool last_is_pending = false;
  std::vector<TokenId> drafts;
  std::uint32_t num_prompt_tokens = 0;
  std::uint32_t max_num_tokens = 0;
  std::uint32_t num_computed = 0;
  std::int64_t priority = 0;
  TimePoint arrival{};

  BlockTable blocks;
  ExtraKeys first_block_keys, other_block_keys;
  std::vector<BlockHash> hashes;        // of the full blocks hashed so far
  std::uint32_t num_cached_blocks = 0;  // leading blocks that have been entered in the prefix index

  bool reads_prefix_cache = true;
  // Rows [next_prompt_row, num_prompt_tokens - 1) still owe their logits; empty when none are
  // wanted.
  std::uint32_t next_prompt_row = 0;

  bool ever_scheduled = false;
  std::uint32_t num_preemptions = 0;
  // Of the prompt, found in the prefix cache when it was first scheduled.
  std::uint32_t num_cached_tokens = 0;

  [[nodiscard]] std::uint32_t num_tokens() const {
    return static_cast<std::uint32_t>(tokens.size());
  }
  [[nodiscard]] std::uint32_t num_known() const { return num_tokens() - (last_is_pending ? 1 : 0); }
  [[nodiscard]] std::uint32_t num_outputs() const { return num_tokens() - num_prompt_tokens; }
  [[nodiscard]] const ExtraKeys& extra_keys(std::uint32_t block_index) const {
    return block_index == 0 ? first_block_keys : other_block_keys;
  }
};

}  // namespace nacelle::engine
