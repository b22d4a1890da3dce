#include "engine/exec/sampler/processors.h"

#include <algorithm>
#include <limits>

namespace nacelle::engine {
namespace {

constexpr float kImpossible = -std::numeric_limits<float>::infinity();

bool below_min_tokens(const SamplingState& state) {
  return state.num_outputs() < state.params().min_tokens;
}

}  // namespace

bool has_processors(const SamplingState& state) {
  const SamplingParams& params = state.params();
  return !params.allowed_token_ids.empty() || !params.bad_words.empty() ||
         below_min_tokens(state) || !params.logit_bias.empty() || state.has_penalties();
}

void apply_processors(const SamplingState& state, std::span<float> logits) {
  const SamplingParams& params = state.params();
  if (!params.allowed_token_ids.empty()) keep_allowed_tokens(params.allowed_token_ids, logits);
  ban_bad_words(params.bad_words, state.outputs(), logits);
  if (below_min_tokens(state)) ban_stop_tokens(state.eos_token(), params.stop_token_ids, logits);
  add_logit_bias(params.logit_bias, logits);
  if (state.has_penalties()) apply_penalties(params, state.counts(), logits);
}

void keep_allowed_tokens(std::span<const TokenId> allowed, std::span<float> logits) {
  std::vector<float> kept(allowed.size());
  for (std::size_t i = 0; i < allowed.size(); ++i) {
    kept[i] = logits[static_cast<std::size_t>(allowed[i])];
  }
  std::ranges::fill(logits, kImpossible);
  for (std::size_t i = 0; i < allowed.size(); ++i) {
    logits[static_cast<std::size_t>(allowed[i])] = kept[i];
  }
}

void ban_bad_words(std::span<const std::vector<TokenId>> words, std::span<const TokenId> outputs,
                   std::span<float> logits) {
  for (const std::vector<TokenId>& word : words) {
    if (word.empty() || word.size() - 1 > outputs.size()) continue;
    const std::size_t prefix = word.size() - 1;
    if (std::equal(word.begin(), word.end() - 1,
                   outputs.end() - static_cast<std::ptrdiff_t>(prefix))) {
      logits[static_cast<std::size_t>(word.back())] = kImpossible;
    }
  }
}

void ban_stop_tokens(TokenId eos_token, std::span<const TokenId> stop_token_ids,
                     std::span<float> logits) {
  if (eos_token >= 0) logits[static_cast<std::size_t>(eos_token)] = kImpossible;
  for (const TokenId token : stop_token_ids) logits[static_cast<std::size_t>(token)] = kImpossible;
}

void add_logit_bias(std::span<const std::pair<TokenId, float>> bias, std::span<float> logits) {
  for (const auto& [token, value] : bias) logits[static_cast<std::size_t>(token)] += value;
}

void apply_penalties(const SamplingParams& params, const TokenCounts& counts,
                     std::span<float> logits) {
  for (const TokenCounts::Entry& entry : counts.entries()) {
    float& logit = logits[static_cast<std::size_t>(entry.token)];
    logit = logit > 0 ? logit / params.repetition_penalty : logit * params.repetition_penalty;
    if (entry.in_outputs == 0) continue;
    logit -= params.frequency_penalty * static_cast<float>(entry.in_outputs);
    logit -= params.presence_penalty;
  }
}

}  // namespace nacelle::engine
