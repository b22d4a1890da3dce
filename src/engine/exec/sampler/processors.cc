#include "engine/exec/sampler/processors.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/check.h"
#include "engine/core/options.h"

namespace nacelle::engine {
namespace {

constexpr float kImpossible = -std::numeric_limits<float>::infinity();

bool below_min_tokens(const SamplingPosition& position) {
  return position.num_outputs() < position.state.params().min_tokens;
}

float penalised(const SamplingParams& params, float logit, std::uint32_t num_in_outputs) {
  logit = logit > 0 ? logit / params.repetition_penalty : logit * params.repetition_penalty;
  if (num_in_outputs == 0) return logit;
  logit -= params.frequency_penalty * static_cast<float>(num_in_outputs);
  return logit - params.presence_penalty;
}

}  // namespace

bool has_processors(const SamplingPosition& position) {
  const SamplingParams& params = position.state.params();
  return !params.allowed_token_ids.empty() || !params.bad_words.empty() ||
         below_min_tokens(position) || !params.logit_bias.empty() || position.state.has_penalties();
}

void apply_processors(const SamplingPosition& position, std::span<float> logits,
                      std::vector<float>& scratch) {
  const SamplingState& state = position.state;
  const SamplingParams& params = state.params();
  if (!params.allowed_token_ids.empty()) {
    keep_allowed_tokens(params.allowed_token_ids, logits, scratch);
  }
  ban_bad_words(params.bad_words, position, logits);
  if (below_min_tokens(position)) ban_stop_tokens(state.eos_token(), params.stop_token_ids, logits);
  add_logit_bias(params.logit_bias, logits);
  if (state.has_penalties()) apply_penalties(position, logits);
}

void keep_allowed_tokens(std::span<const TokenId> allowed, std::span<float> logits,
                         std::vector<float>& scratch) {
  scratch.resize(allowed.size());
  for (std::size_t i = 0; i < allowed.size(); ++i) {
    scratch[i] = logits[static_cast<std::size_t>(allowed[i])];
  }
  std::ranges::fill(logits, kImpossible);
  for (std::size_t i = 0; i < allowed.size(); ++i) {
    logits[static_cast<std::size_t>(allowed[i])] = scratch[i];
  }
}

void ban_bad_words(std::span<const std::vector<TokenId>> words, const SamplingPosition& position,
                   std::span<float> logits) {
  for (const std::vector<TokenId>& word : words) {
    if (word.empty()) continue;
    if (position.ends_with(std::span(word).first(word.size() - 1))) {
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

void apply_penalties(const SamplingPosition& position, std::span<float> logits) {
  const SamplingParams& params = position.state.params();
  const std::span<const TokenId> drafts = position.drafts;
  CHECK(drafts.size() <= kMaxDraftTokens);
  const auto at = [&](TokenId token) -> float& { return logits[static_cast<std::size_t>(token)]; };

  // Drafts may be in the counts already, less often: their logits are computed from the raw ones.
  std::array<float, kMaxDraftTokens> raw;
  for (std::size_t i = 0; i < drafts.size(); ++i) raw[i] = at(drafts[i]);
  const TokenCounts& counts = position.state.counts();
  for (const TokenCounts::Entry& entry : counts.entries()) {
    at(entry.token) = penalised(params, at(entry.token), entry.in_outputs);
  }
  for (std::size_t i = 0; i < drafts.size(); ++i) {
    const auto more = static_cast<std::uint32_t>(std::ranges::count(drafts, drafts[i]));
    at(drafts[i]) = penalised(params, raw[i], counts.in_outputs(drafts[i]) + more);
  }
}

}  // namespace nacelle::engine
