// sequence_runner.h: feeds token sequences to a CausalLm the way an engine does, for tests.
//
// Blocks are handed out in a shuffled order, so that a kernel that ignores the block table is seen.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <random>
#include <span>
#include <vector>

#include "base/check.h"
#include "model/causal_lm.h"

namespace nacelle::model::testing {

// A chunk of one sequence in a batch that is being built.
struct Feed {
  std::uint32_t sequence = 0;
  std::vector<TokenId> tokens;
  bool all_logits = true;  // otherwise none
};

class SequenceRunner {
 public:
  // Allocates the KV memory of `model` for `num_sequences` of at most `max_tokens` tokens each.
  SequenceRunner(CausalLm& model, std::uint32_t block_size, std::uint32_t num_sequences,
                 std::uint32_t max_tokens, std::uint32_t shuffle_seed = 1)
      : model_(model), lengths_(num_sequences, 0), tables_(num_sequences) {
    const std::uint32_t per_sequence = (max_tokens + block_size - 1) / block_size;
    const std::uint32_t num_blocks = 1 + per_sequence * num_sequences;  // block 0 stays unused
    std::vector<std::uint32_t> blocks(num_blocks - 1);
    std::iota(blocks.begin(), blocks.end(), 1);
    std::shuffle(blocks.begin(), blocks.end(), std::mt19937(shuffle_seed));
    for (std::uint32_t i = 0; i < num_sequences; ++i) {
      tables_[i].assign(blocks.begin() + i * per_sequence, blocks.begin() + (i + 1) * per_sequence);
    }
    CHECK(model.allocate_kv(num_blocks, block_size).ok());
  }

  // One forward pass. Returns the logits of all rows of feeds with all_logits, in order.
  std::vector<float> step(std::span<const Feed> feeds) {
    std::vector<TokenId> tokens;
    std::vector<SequenceChunk> chunks;
    std::vector<std::uint32_t> rows;
    for (const Feed& feed : feeds) {
      const auto first_row = static_cast<std::uint32_t>(tokens.size());
      const auto count = static_cast<std::uint32_t>(feed.tokens.size());
      chunks.push_back({.first_row = first_row,
                        .num_tokens = count,
                        .first_position = lengths_[feed.sequence],
                        .block_table = tables_[feed.sequence]});
      for (std::uint32_t i = 0; i < count && feed.all_logits; ++i) rows.push_back(first_row + i);
      tokens.insert(tokens.end(), feed.tokens.begin(), feed.tokens.end());
      lengths_[feed.sequence] += count;
    }
    std::vector<float> logits(rows.size() * model_.config().vocab_size);
    model_.forward({.tokens = tokens, .chunks = chunks, .logit_rows = rows}, logits);
    return logits;
  }

  // Feeds `tokens` to one sequence in chunks of `chunk` tokens and returns the logits of all of
  // them.
  std::vector<float> run(std::uint32_t sequence, std::span<const TokenId> tokens,
                         std::size_t chunk) {
    std::vector<float> all;
    for (std::size_t i = 0; i < tokens.size(); i += chunk) {
      const std::span<const TokenId> part = tokens.subspan(i, std::min(chunk, tokens.size() - i));
      const Feed feed{.sequence = sequence, .tokens = {part.begin(), part.end()}};
      const std::vector<float> logits = step(std::span(&feed, 1));
      all.insert(all.end(), logits.begin(), logits.end());
    }
    return all;
  }

 private:
  CausalLm& model_;
  std::vector<std::uint32_t> lengths_;  // tokens fed so far, by sequence
  std::vector<std::vector<std::uint32_t>> tables_;
};

}  // namespace nacelle::model::testing
