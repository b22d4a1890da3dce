// options.h: the choices that the engine's configuration and its core share.
#pragma once

#include <cstdint>

#include "block_hash/hash_algorithm.h"

namespace nacelle::engine {

enum class SchedulingPolicy { kFcfs, kPriority };

using block_hash::HashAlgorithm;

// Drafts of one sequence in one step, at most (as in vLLM).
inline constexpr std::uint32_t kMaxDraftTokens = 128;

// Speculative decoding by looking up n-grams: see core/ngram_proposer.h.
struct SpeculativeOptions {
  std::uint32_t num_speculative_tokens = 0;  // drafts per sequence and step; 0 = off
  std::uint32_t prompt_lookup_min = 5;       // shortest n-gram that counts as a match
  std::uint32_t prompt_lookup_max = 5;       // longest one that is looked for
  // Over all sequences; bounds the memory of their logits (drafts * vocabulary).
  std::uint32_t max_draft_tokens_per_step = kMaxDraftTokens;

  [[nodiscard]] bool enabled() const { return num_speculative_tokens > 0; }
};

}  // namespace nacelle::engine
