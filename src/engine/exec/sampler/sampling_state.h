// sampling_state.h: what one sequence's sampling remembers from step to step.
//
// Home:    the engine loop, one per sequence.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/token.h"
#include "engine/sampling_params.h"

namespace nacelle::engine {

// How often each token occurred, for the penalties. Tokens are listed once, in order of appearance.
class TokenCounts {
 public:
  struct Entry {
    TokenId token = 0;
    std::uint32_t in_outputs = 0;
  };

  void add_prompt(TokenId token) { (void)entry(token); }
  void add_output(TokenId token) { ++entry(token).in_outputs; }
  [[nodiscard]] std::span<const Entry> entries() const { return entries_; }

 private:
  Entry& entry(TokenId token) {
    const auto [it, inserted] = index_.try_emplace(token, entries_.size());
    if (inserted) entries_.push_back({token, 0});
    return entries_[it->second];
  }

  std::vector<Entry> entries_;
  std::unordered_map<TokenId, std::size_t> index_;
};

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

}  // namespace nacelle::engine
