// sampling_state.h: what one sequence's sampling remembers from step to step.
//
// Home:    the engine loop, one per sequence.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "base/token.h"
#include "engine/exec/sampler/token_counts.h"
#include "engine/sampling_params.h"

namespace nacelle::engine {

class SamplingState {
 public:
  // `prompt` ends with `num_resumed` tokens that count as outputs. `seed` is of the request, or one
  // that the engine chose.
  SamplingState(SamplingParams params, std::uint64_t seed, TokenId eos_token,
                std::span<const TokenId> prompt, std::uint32_t num_resumed)
      : params_(std::move(params)),
        seed_(seed),
        eos_token_(eos_token),
        outputs_(prompt.end() - num_resumed, prompt.end()) {
    if (!has_penalties()) return;
    for (const TokenId token : prompt.first(prompt.size() - num_resumed)) counts_.add_prompt(token);
    for (const TokenId token : outputs_) counts_.add_output(token);
  }

  // Room for `num_outputs` more, so that appending them allocates nothing.
  void reserve(std::uint32_t num_outputs) {
    outputs_.reserve(outputs_.size() + num_outputs);
    if (has_penalties()) counts_.reserve(num_outputs);
  }

  void append_output(TokenId token) {
    outputs_.push_back(token);
    if (has_penalties()) counts_.add_output(token);
  }

  [[nodiscard]] const SamplingParams& params() const { return params_; }
  [[nodiscard]] std::uint64_t seed() const { return seed_; }
  [[nodiscard]] TokenId eos_token() const { return eos_token_; }
  // Resumed ones included.
  [[nodiscard]] std::span<const TokenId> outputs() const { return outputs_; }
  [[nodiscard]] std::uint32_t num_outputs() const {
    return static_cast<std::uint32_t>(outputs_.size());
  }
  [[nodiscard]] const TokenCounts& counts() const { return counts_; }
  [[nodiscard]] bool has_penalties() const {
    return params_.repetition_penalty != 1.0f || params_.presence_penalty != 0.0f ||
           params_.frequency_penalty != 0.0f;
  }

 private:
  SamplingParams params_;
  std::uint64_t seed_;
  TokenId eos_token_;
  std::vector<TokenId> outputs_;
  TokenCounts counts_;
};

// Where in a sequence a token is sampled: after its outputs and `drafts`, guesses that count as
// outputs for this one row. With its drafts right, a row gives what it would have given later.
struct SamplingPosition {
  const SamplingState& state;
  std::span<const TokenId> drafts;

  // NOLINTNEXTLINE(google-explicit-constructor): a state without drafts is a position
  SamplingPosition(const SamplingState& of, std::span<const TokenId> after = {})
      : state(of), drafts(after) {}

  [[nodiscard]] std::uint32_t num_outputs() const {
    return state.num_outputs() + static_cast<std::uint32_t>(drafts.size());
  }
  // The outputs, drafts included, end with `tokens`.
  [[nodiscard]] bool ends_with(std::span<const TokenId> tokens) const {
    if (tokens.size() > num_outputs()) return false;
    const std::size_t in_drafts = std::min(tokens.size(), drafts.size());
    const std::size_t in_outputs = tokens.size() - in_drafts;
    return std::ranges::equal(tokens.last(in_drafts), drafts.last(in_drafts)) &&
           std::ranges::equal(tokens.first(in_outputs), state.outputs().last(in_outputs));
  }
};

}  // namespace nacelle::engine
