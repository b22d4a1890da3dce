#include "engine/exec/sampler/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/exec/sampler/logprobs.h"
#include "engine/exec/sampler/processors.h"

namespace nacelle::engine {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kMinTemperature = 0.01f;
constexpr double kNoWeight = 88.0;  // row_exp() of anything lower is 0

Status check_raw(float max) {
  if (std::isnan(max) || std::isinf(max)) {
    return data_loss("the model's logits contain values that are not finite numbers");
  }
  return {};
}

Status check_processed(float max) {
  if (max == -kInfinity) {
    return failed_precondition("the request's token masks leave no token to sample");
  }
  if (std::isnan(max) || max == kInfinity) {
    return failed_precondition("the request's penalties leave the range of the logits");
  }
  return {};
}

}  // namespace

Result<SampledToken> Sampler::sample(std::span<float> logits, const SamplingState& state) {
  const RowOps& ops = row_ops();
  const SamplingParams& params = state.params();
  const float raw_max = ops.max(logits.data(), logits.size());
  RETURN_IF_ERROR(check_raw(raw_max));

  std::span<float> processed = logits;
  float max = raw_max;
  if (has_processors(state)) {
    if (params.logprobs >= 0) {  // the raw row is still needed
      processed_.assign(logits.begin(), logits.end());
      processed = processed_;
    }
    apply_processors(state, processed);
    max = ops.max(processed.data(), processed.size());
  }
  RETURN_IF_ERROR(check_processed(max));

  SampledToken sampled;
  sampled.token =
      params.greedy()
          ? static_cast<TokenId>(ops.find_first(processed.data(), processed.size(), max))
          : draw(processed, max, state);
  if (params.logprobs >= 0) {
    sampled.logprobs =
        RowLogprobs(logits, raw_max).of_position(sampled.token, params.logprobs, selector_);
  }
  return sampled;
}

Result<PositionLogprobs> Sampler::prompt_logprobs(std::span<const float> logits, TokenId token,
                                                  std::int32_t k) {
  const float max = row_ops().max(logits.data(), logits.size());
  RETURN_IF_ERROR(check_raw(max));
  return RowLogprobs(logits, max).of_position(token, k, selector_);
}

TokenId Sampler::draw(std::span<const float> logits, float max, const SamplingState& state) {
  const SamplingParams& params = state.params();
  const float scale = 1.0f / std::max(params.temperature, kMinTemperature);
  if (collect_candidates(logits, max, scale, params)) {
    return draw_from_candidates(max, scale, state);
  }
  return static_cast<TokenId>(row_ops().exponential_race(logits.data(), logits.size(), max, scale,
                                                         {state.seed(), state.num_outputs()}));
}

// Fills candidates_ with the tokens (and logits) that min_p, top_k and top_p keep. False when they
// keep all.
bool Sampler::collect_candidates(std::span<const float> logits, float max, float scale,
                                 const SamplingParams& params) {
  const bool has_top_k = params.top_k > 0 && static_cast<std::size_t>(params.top_k) < logits.size();
  const bool has_min_p = params.min_p > 0;
  const bool has_top_p = params.top_p < 1;
  if (!has_top_k && !has_min_p) {
    if (has_top_p) collect_nucleus(logits, max, scale, params.top_p);
    return has_top_p;
  }

  // Both keep what reaches a bar. When min_p keeps fewer than k, top_k drops nothing more, so the
  // k-th largest of all is as good as the k-th largest of the kept.
  const auto weight_of = [&](float logit) { return row_exp((logit - max) * scale); };
  float floor = -kInfinity;
  if (has_top_k) floor = selector_.kth_largest(logits, static_cast<std::size_t>(params.top_k));
  if (has_min_p) {  // a little low; the exact test follows
    const float low = max + (std::log(params.min_p) - 0.01f) / scale;
    floor = std::max(floor, low - std::abs(low) * 1e-5f);
  }
  selector_.at_least(logits, floor, candidates_);
  if (has_min_p) {
    std::erase_if(candidates_, [&](const Candidate& candidate) {
      return weight_of(candidate.value) < params.min_p;
    });
  }
  if (has_top_p) {
    double total = 0;
    for (Candidate& candidate : candidates_) {
      candidate.value = weight_of(candidate.value);
      total += candidate.value;
    }
    keep_nucleus(candidates_, total * params.top_p);
    for (Candidate& candidate : candidates_) candidate.value = logits[candidate.token];
  }
  return true;
}

// top_p alone: looks at ever more tokens below the largest until they weigh enough.
void Sampler::collect_nucleus(std::span<const float> logits, float max, float scale, double top_p) {
  const double target = top_p * row_ops().sum_exp(logits.data(), logits.size(), max, scale);
  for (double depth = 4;; depth *= 2) {
    const bool all = depth > kNoWeight;
    const float floor = all ? -kInfinity : max - static_cast<float>(depth) / scale;
    selector_.at_least(logits, floor, candidates_);
    double total = 0;
    for (Candidate& candidate : candidates_) {
      candidate.value = row_exp((candidate.value - max) * scale);
      total += candidate.value;
    }
    if (total < target && !all) continue;
    keep_nucleus(candidates_, target);
    for (Candidate& candidate : candidates_) candidate.value = logits[candidate.token];
    return;
  }
}

TokenId Sampler::draw_from_candidates(float max, float scale, const SamplingState& state) {
  const DrawKey key{state.seed(), state.num_outputs()};
  Candidate best{std::numeric_limits<std::uint32_t>::max(), 0};
  for (const Candidate& candidate : candidates_) {
    const float score =
        row_exp((candidate.value - max) * scale) / exponential_draw(key, candidate.token);
    if (score > best.value || (score == best.value && score > 0 && candidate.token < best.token)) {
      best = {candidate.token, score};
    }
  }
  return static_cast<TokenId>(best.token);
}

}  // namespace nacelle::engine
