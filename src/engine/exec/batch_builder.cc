#include "engine/exec/batch_builder.h"

namespace nacelle::engine {

model::ForwardBatch BatchBuilder::build(const StepPlan& plan, const Scheduler& scheduler) {
  tokens_.clear();
  chunks_.clear();
  logit_rows_.clear();
  for (const ScheduledChunk& chunk : plan.chunks) {
    const Sequence& sequence = scheduler.at(chunk.slot);
    const auto first_row = static_cast<std::uint32_t>(tokens_.size());
    const auto begin = sequence.tokens.begin() + chunk.first_token;
    tokens_.insert(tokens_.end(), begin, begin + (chunk.num_tokens - chunk.num_draft_tokens));
    tokens_.insert(tokens_.end(), sequence.drafts.begin(),
                   sequence.drafts.begin() + chunk.num_draft_tokens);
    chunks_.push_back({.first_row = first_row,
                       .num_tokens = chunk.num_tokens,
                       .first_position = chunk.first_token,
                       .block_table = sequence.blocks.raw()});
    for (std::uint32_t i = 0; i < chunk.num_prompt_rows; ++i) {
      logit_rows_.push_back(first_row + chunk.first_prompt_row + i - chunk.first_token);
    }
    for (std::uint32_t i = chunk.num_sampling_rows(); i > 0; --i) {
      logit_rows_.push_back(first_row + chunk.num_tokens - i);
    }
  }
  return {.tokens = tokens_, .chunks = chunks_, .logit_rows = logit_rows_};
}

}  // namespace nacelle::engine
