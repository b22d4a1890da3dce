#include "engine/exec/sampler/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "engine/core/testing/property.h"

namespace nacelle::engine {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
using Row = std::vector<float>;

SamplingParams sampled_params(std::int64_t seed = 1) {
  SamplingParams params;
  params.seed = seed;
  return params;
}

SamplingState state_of(const SamplingParams& params, std::uint32_t num_outputs = 0) {
  const std::vector<TokenId> prompt = {0};
  SamplingState state(params, static_cast<std::uint64_t>(params.seed.value_or(0)), -1, prompt, 0);
  for (std::uint32_t i = 0; i < num_outputs; ++i) state.append_output(0);
  return state;
}

TokenId sample(Row row, const SamplingParams& params, std::uint32_t num_outputs = 0) {
  Sampler sampler;
  auto result = sampler.sample(row, state_of(params, num_outputs));
  EXPECT_TRUE(result.ok()) << result.error().to_string();
  return result.ok() ? result->token : -1;
}

TEST(Sampler, GreedyTakesTheLargestTheLowestOnTies) {
  SamplingParams params;
  params.temperature = 0;
  EXPECT_EQ(sample({1, 5, 2, 5}, params), 1);
  params.temperature = 9e-6f;
  EXPECT_EQ(sample({-3, -1, -2}, params), 1);
  params.seed = 5;
  EXPECT_EQ(sample({0, 0, 0}, params), 0);
}

TEST(Sampler, VocabulariesOfOneTokenWork) {
  for (const float temperature : {0.0f, 1.0f}) {
    SamplingParams params;
    params.temperature = temperature;
    params.top_k = 1;
    params.top_p = 0.5f;
    params.logprobs = 3;
    EXPECT_EQ(sample({2}, params), 0);
  }
}

TEST(Sampler, SameSeedAndPositionRepeatOthersDiffer) {
  const Row row(1000, 0.0f);
  const TokenId first = sample(row, sampled_params(7), 3);
  EXPECT_EQ(sample(row, sampled_params(7), 3), first);
  int same = 0;
  for (std::uint32_t i = 0; i < 20; ++i) {
    same += sample(row, sampled_params(7), 4 + i) == first ? 1 : 0;
    same += sample(row, sampled_params(8 + i), 3) == first ? 1 : 0;
  }
  EXPECT_LE(same, 2);
}

TEST(Sampler, ResumedSequenceDrawsAsTheFirstEngineWouldHave) {
  const Row row(1000, 0.0f);
  SamplingState whole = state_of(sampled_params(7), 0);
  whole.append_output(5);
  whole.append_output(6);
  const std::vector<TokenId> prompt = {0, 5, 6};
  const SamplingState resumed(sampled_params(7), 7, -1, prompt, 2);
  Sampler sampler;
  Row a = row, b = row;
  EXPECT_EQ(sampler.sample(a, whole)->token, sampler.sample(b, resumed)->token);
}

TEST(Sampler, CorruptLogitsAreAnError) {
  for (const float bad : {kNan, -kNan, kInfinity}) {
    for (const float temperature : {0.0f, 1.0f}) {
      SamplingParams params;
      params.temperature = temperature;
      params.allowed_token_ids = {0};  // the bad one is not even allowed
      Row row = {1, 2, bad, 3};
      Sampler sampler;
      const auto result = sampler.sample(row, state_of(params));
      ASSERT_FALSE(result.ok());
      EXPECT_EQ(result.error().code(), Code::kDataLoss);
    }
  }
  Row nothing(5, -kInfinity);
  Sampler sampler;
  EXPECT_EQ(sampler.sample(nothing, state_of({})).error().code(), Code::kDataLoss);
  EXPECT_EQ(sampler.prompt_logprobs(Row{1, kNan}, 0, 1).error().code(), Code::kDataLoss);
}

TEST(Sampler, MasksThatLeaveNothingAreAnError) {
  SamplingParams params;
  params.allowed_token_ids = {1};
  params.bad_words = {{1}};
  for (const float temperature : {0.0f, 1.0f}) {
    params.temperature = temperature;
    Row row = {1, 2, 3};
    Sampler sampler;
    EXPECT_EQ(sampler.sample(row, state_of(params)).error().code(), Code::kFailedPrecondition);
  }
}

TEST(Sampler, PenaltiesBeyondTheRangeAreAnError) {
  SamplingParams params;
  params.repetition_penalty = 1e-38f;
  Row row = {1e3f, 2, 3};
  Sampler sampler;
  EXPECT_EQ(sampler.sample(row, state_of(params)).error().code(), Code::kFailedPrecondition);
}

TEST(Sampler, LogprobsAreOfTheRawRow) {
  SamplingParams params;
  params.temperature = 0;
  params.logprobs = 2;
  params.logit_bias = {{0, 100}};
  Row row = {0, 1, 2};
  Sampler sampler;
  const auto result = sampler.sample(row, state_of(params));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->token, 0);
  ASSERT_TRUE(result->logprobs.has_value());
  ASSERT_EQ(result->logprobs->tokens.size(), 3u);
  EXPECT_EQ(result->logprobs->tokens[0].rank, 3u);
  EXPECT_NEAR(result->logprobs->tokens[0].logprob, -std::log(1 + M_E + M_E * M_E), 1e-6);
  EXPECT_EQ(result->logprobs->tokens[1].token, 2);
  params.logprobs = -1;
  EXPECT_FALSE(sampler.sample(row, state_of(params))->logprobs.has_value());
}

// engine.md section 14, step 9, on a sorted list in double precision.
struct Reference {
  std::vector<double> weights;  // 0 for dropped tokens
  bool on_a_border = false;     // rounding could decide otherwise
};

Reference reference(const Row& row, const SamplingParams& params) {
  const auto size = static_cast<std::uint32_t>(row.size());
  const double temperature = std::max(params.temperature, 0.01f);
  const double max = *std::ranges::max_element(row);
  Reference result;
  result.weights.resize(size);
  for (std::uint32_t i = 0; i < size; ++i) {
    result.weights[i] = std::exp((row[i] - max) / temperature);
    if (params.min_p > 0) {
      result.on_a_border |= std::abs(result.weights[i] - params.min_p) < 1e-5 * params.min_p;
      if (result.weights[i] < params.min_p) result.weights[i] = 0;
    }
  }
  std::vector<std::uint32_t> order(size);
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, [&](auto a, auto b) { return row[a] > row[b]; });
  if (params.top_k > 0 && params.top_k < static_cast<std::int32_t>(size)) {
    const float kth = row[order[static_cast<std::size_t>(params.top_k) - 1]];
    for (std::uint32_t i = 0; i < size; ++i) {
      if (row[i] < kth) result.weights[i] = 0;
    }
  }
  if (params.top_p < 1) {
    const double total = std::accumulate(result.weights.begin(), result.weights.end(), 0.0);
    double smaller = 0;
    for (auto it = order.rbegin(); it != order.rend() - 1;
         ++it) {  // ascending, all but the largest
      smaller += result.weights[*it] / total;
      result.on_a_border |= std::abs(smaller - (1.0 - params.top_p)) < 1e-5;
      if (smaller <= 1.0 - params.top_p) result.weights[*it] = 0;
    }
  }
  return result;
}

TEST(Sampler, AgreesWithTheObviousReferenceForAllParameters) {
  int compared = 0;
  testing::for_each_seed(3000, [&](testing::Random& random) {
    const std::size_t size = testing::pick(random, 1, testing::chance(random, 0.1) ? 5000 : 300);
    const float spread = testing::chance(random, 0.5) ? 0.01f : 0.001f;
    Row row(size);
    for (float& x : row) x = static_cast<float>(testing::pick(random, 0, 2000)) * spread;
    if (testing::chance(random, 0.2)) {  // coarse: many ties
      for (float& x : row) x = std::round(x);
    }
    if (testing::chance(random, 0.2))
      row[testing::pick(random, 0, static_cast<std::uint32_t>(size) - 1)] = -kInfinity;
    if (*std::ranges::max_element(row) == -kInfinity) return;
    SamplingParams params = sampled_params(static_cast<std::int64_t>(random()));
    params.temperature = testing::chance(random, 0.1)
                             ? 0.001f
                             : 0.1f * static_cast<float>(testing::pick(random, 1, 30));
    if (testing::chance(random, 0.5))
      params.top_k =
          static_cast<std::int32_t>(testing::pick(random, 1, static_cast<std::uint32_t>(size) + 5));
    if (testing::chance(random, 0.5))
      params.top_p = static_cast<float>(testing::pick(random, 1, 99)) * 0.01f;
    if (testing::chance(random, 0.5))
      params.min_p = static_cast<float>(testing::pick(random, 1, 100)) * 0.01f;

    const Reference expected = reference(row, params);
    if (expected.on_a_border) return;
    const std::uint32_t position = testing::pick(random, 0, 1000);
    const TokenId token = sample(row, params, position);
    ASSERT_GT(expected.weights[static_cast<std::size_t>(token)], 0) << "a dropped token";
    const DrawKey key{static_cast<std::uint64_t>(*params.seed), position};
    double best = 0;
    for (std::uint32_t i = 0; i < size; ++i) {
      best = std::max(best, expected.weights[i] / exponential_draw(key, i));
    }
    const double score = expected.weights[static_cast<std::size_t>(token)] /
                         exponential_draw(key, static_cast<std::uint32_t>(token));
    ASSERT_GE(score, best * (1 - 3e-5));
    ++compared;
  });
  EXPECT_GT(compared, 2000);
}

// Sum of (observed - expected)^2 / expected over tokens.
double chi_square(const std::vector<int>& counts, const std::vector<double>& weights, int draws) {
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  double sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double expected = weights[i] / total * draws;
    if (expected == 0) {
      EXPECT_EQ(counts[i], 0);
    } else {
      sum += (counts[i] - expected) * (counts[i] - expected) / expected;
    }
  }
  return sum;
}

// The 99.99 % quantile of chi-square with `freedom` degrees (Wilson and Hilferty).
double chi_square_bound(double freedom) {
  const double c = 2 / (9 * freedom);
  return freedom * std::pow(1 - c + 3.719 * std::sqrt(c), 3);
}

void expect_distribution(const SamplingParams& base, bool vary_seed) {
  Row row(40);
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = static_cast<float>((i * 29) % 40) * 0.1f;
  constexpr int kDraws = 40000;
  const Reference expected = reference(row, base);
  std::vector<int> counts(row.size(), 0);
  Sampler sampler;
  const std::vector<TokenId> prompt = {0};
  SamplingState state(base, 99, -1, prompt, 0);
  for (int i = 0; i < kDraws; ++i) {
    Row scratch = row;
    if (vary_seed) {
      ++counts[static_cast<std::size_t>(
          sampler
              .sample(scratch, SamplingState(base, static_cast<std::uint64_t>(i), -1, prompt, 0))
              ->token)];
    } else {
      const TokenId token = sampler.sample(scratch, state)->token;
      ++counts[static_cast<std::size_t>(token)];
      state.append_output(token);
    }
  }
  const auto kept = std::ranges::count_if(expected.weights, [](double w) { return w > 0; });
  EXPECT_LT(chi_square(counts, expected.weights, kDraws),
            chi_square_bound(static_cast<double>(kept) - 1));
}

TEST(Sampler, DrawsFollowTheDistribution) {
  for (const bool vary_seed : {false, true}) {
    SamplingParams plain;
    expect_distribution(plain, vary_seed);
    SamplingParams warm;
    warm.temperature = 1.7f;
    warm.top_k = 11;
    expect_distribution(warm, vary_seed);
    SamplingParams nucleus;
    nucleus.top_p = 0.8f;
    expect_distribution(nucleus, vary_seed);
    SamplingParams all;
    all.temperature = 0.6f;
    all.top_k = 30;
    all.top_p = 0.95f;
    all.min_p = 0.05f;
    expect_distribution(all, vary_seed);
  }
}

// Many unlikely tokens keep their share: the draws near zero are fine enough.
TEST(Sampler, LongTailKeepsItsShare) {
  constexpr std::size_t kTail = 20000;
  Row row(kTail + 1, 0.0f);
  row[0] = std::log(static_cast<float>(kTail));  // as likely as all others together
  constexpr int kDraws = 4000;
  int head = 0, first_half = 0;
  Sampler sampler;
  SamplingState state = state_of(sampled_params(3));
  for (int i = 0; i < kDraws; ++i) {
    const TokenId token = sampler.sample(row, state)->token;
    head += token == 0 ? 1 : 0;
    first_half += token > 0 && token <= static_cast<TokenId>(kTail / 2) ? 1 : 0;
    state.append_output(0);
  }
  EXPECT_NEAR(head, kDraws / 2, 4 * std::sqrt(kDraws) / 2);
  EXPECT_NEAR(first_half, kDraws / 4, 4 * std::sqrt(kDraws * 3.0) / 4);
}

}  // namespace
}  // namespace nacelle::engine
