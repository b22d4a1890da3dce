#include "engine/exec/sampler/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "engine/exec/sampler/logprobs.h"
#include "engine/exec/sampler/processors.h"

namespace nacelle::engine {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kMinTemperature = 0.01f;

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

void Sampler::reserve(std::size_t vocab_size) {
  selector_.reserve(vocab_size);
  processed_.reserve(vocab_size);
  weights_.reserve(vocab_size);
  scratch_.reserve(vocab_size);
  candidates_.reserve(vocab_size);
}

Result<SampledToken> Sampler::sample(std::span<float> logits, const SamplingPosition& position) {
  const RowOps& ops = row_ops();
  const SamplingParams& params = position.state.params();
  const float raw_max = ops.max(logits.data(), logits.size());
  RETURN_IF_ERROR(check_raw(raw_max));

  std::span<float> processed = logits;
  float max = raw_max;
  if (has_processors(position)) {
    if (params.logprobs >= 0) {  // the raw row is still needed
      processed_.assign(logits.begin(), logits.end());
      processed = processed_;
    }
    apply_processors(position, processed, scratch_);
    max = ops.max(processed.data(), processed.size());
  }
  RETURN_IF_ERROR(check_processed(max));

  SampledToken sampled;
  sampled.token =
      params.greedy()
          ? static_cast<TokenId>(ops.find_first(processed.data(), processed.size(), max))
          : draw(processed, max, position);
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

TokenId Sampler::draw(std::span<const float> logits, float max, const SamplingPosition& position) {
  const SamplingParams& params = position.state.params();
  const Softmax softmax{max, 1.0f / std::max(params.temperature, kMinTemperature)};
  const DrawKey key{position.state.seed(), position.num_outputs()};
  if (collect_candidates(logits, softmax, params)) {
    return draw_from_candidates(logits, softmax, key);
  }
  return static_cast<TokenId>(
      row_ops().exponential_race(logits.data(), logits.size(), softmax.max, softmax.scale, key));
}

// Fills candidates_ with what min_p, top_k and top_p keep. False when they keep all.
bool Sampler::collect_candidates(std::span<const float> logits, Softmax softmax,
                                 const SamplingParams& params) {
  const bool has_top_k = params.top_k > 0 && static_cast<std::size_t>(params.top_k) < logits.size();
  if (!has_top_k && params.min_p == 0 && params.top_p >= 1) return false;

  double total = 0;  // of all that may be sampled, or less where that is enough to decide
  const auto weigh = [&] {
    total = 0;
    for (const Candidate& candidate : candidates_) total += candidate.value;
  };
  if (has_top_k) {
    // When min_p keeps fewer than k, top_k drops nothing more: the order of the two is free.
    collect_top_k(logits, softmax, static_cast<std::size_t>(params.top_k));
    std::erase_if(candidates_, [&](const Candidate& c) { return c.value < params.min_p; });
    weigh();
  } else {
    weights_.resize(logits.size());
    const double whole_row =
        row_ops().exp(logits.data(), logits.size(), softmax.max, softmax.scale, weights_.data());
    if (params.min_p > 0) {
      selector_.at_least(weights_, params.min_p, candidates_);
      weigh();
    } else {
      // Few tokens hold most of the weight, as a rule: look at ever lighter ones until it is
      // enough.
      for (const float floor : {1e-3f, 1e-6f, std::numeric_limits<float>::min()}) {
        selector_.at_least(weights_, floor, candidates_);
        weigh();
        if (total >= params.top_p * whole_row) break;
      }
      total = whole_row;
    }
  }
  if (params.top_p < 1) selector_.keep_nucleus(candidates_, total * params.top_p);
  return true;
}

void Sampler::collect_top_k(std::span<const float> logits, Softmax softmax, std::size_t k) {
  selector_.at_least(logits, selector_.kth_largest(logits, k), candidates_);
  for (Candidate& candidate : candidates_) {
    candidate.value = row_exp((candidate.value - softmax.max) * softmax.scale);
  }
}

TokenId Sampler::draw_from_candidates(std::span<const float> logits, Softmax softmax, DrawKey key) {
  constexpr std::size_t kMany = 2048;  // a pass over the whole row is faster than so many draws
  if (candidates_.size() > kMany) {
    weights_.assign(logits.size(), -kInfinity);
    for (const Candidate& candidate : candidates_) {
      weights_[candidate.token] = logits[candidate.token];
    }
    return static_cast<TokenId>(row_ops().exponential_race(weights_.data(), weights_.size(),
                                                           softmax.max, softmax.scale, key));
  }
  Candidate best{std::numeric_limits<std::uint32_t>::max(), 0};
  for (const Candidate& candidate : candidates_) {
    const Candidate score{candidate.token,
                          candidate.value / exponential_draw(key, candidate.token)};
    if (score.value > 0 && comes_before(score, best)) best = score;
  }
  return static_cast<TokenId>(best.token);
}

}  // namespace nacelle::engine
