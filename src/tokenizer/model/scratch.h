// scratch.h: what encoding writes to: the word cache and the buffers of the merge loop.
//
// Kept per thread for the last few models used there, so that immutable tokenizers can be shared:
// at most kModelsPerThread caches of 1 MiB live on a thread.
//
// Home:  the thread that calls for_model().
#pragma once

#include <cstdint>
#include <vector>

#include "tokenizer/model/merge_queue.h"
#include "tokenizer/model/word_cache.h"

namespace nacelle::tokenizer {

struct Scratch {
  static constexpr int kModelsPerThread = 4;

  // The calling thread's scratch for the model with this number (next_model_number()).
  [[nodiscard]] static Scratch& for_model(std::uint64_t model_number);

  // A number that no other model of this process has.
  [[nodiscard]] static std::uint64_t next_model_number();

  WordCache cache;

  // A symbol of a long word, linked to its living neighbours; -1 ends the list.
  struct Symbol {
    TokenId id;
    std::int32_t previous, next;
    std::uint32_t rank;  // of the pair (this, next); kNoRank when they do not merge
  };
  std::vector<TokenId> ids;
  std::vector<std::uint32_t> ranks;
  std::vector<Symbol> symbols;
  MergeQueue queue;

  // Unigram's best path: score and start of the best piece that ends at each byte.
  struct PathNode {
    double score;
    std::int32_t start;  // -1: not reached
    TokenId id;
  };
  std::vector<PathNode> path;

  // Gives back memory that a rare huge text made the buffers hold.
  void trim();
};

}  // namespace nacelle::tokenizer
