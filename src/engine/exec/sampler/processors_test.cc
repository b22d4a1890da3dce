#include "engine/exec/sampler/processors.h"

#include <gtest/gtest.h>

#include <limits>

#include "engine/core/testing/property.h"

namespace nacelle::engine {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
using Row = std::vector<float>;

SamplingState state_of(SamplingParams params, std::vector<TokenId> prompt,
                       std::vector<TokenId> outputs = {}, TokenId eos = -1) {
  SamplingState state(std::move(params), 0, eos, prompt, 0);
  for (const TokenId token : outputs) state.append_output(token);
  return state;
}

Row processed(const SamplingState& state, Row row) {
  std::vector<float> scratch;
  apply_processors(state, row, scratch);
  return row;
}

TEST(Processors, NeutralParametersChangeNothing) {
  const SamplingState state = state_of({}, {1, 2}, {3});
  EXPECT_FALSE(has_processors(state));
  EXPECT_EQ(processed(state, {1, 2, 3, 4}), (Row{1, 2, 3, 4}));
}

TEST(Processors, AllowedTokensAreKept) {
  SamplingParams params;
  params.allowed_token_ids = {2, 0, 2};
  EXPECT_EQ(processed(state_of(params, {1}), {1, 2, 3, 4}), (Row{1, -kInfinity, 3, -kInfinity}));
}

TEST(Processors, BadWordBansItsLastTokenAfterItsOthers) {
  SamplingParams params;
  params.bad_words = {{3}, {1, 2}, {0, 1, 0}};
  const auto ban = [&](std::vector<TokenId> outputs) {
    return processed(state_of(params, {0, 1}, std::move(outputs)), {1, 2, 3, 4});
  };
  EXPECT_EQ(ban({}), (Row{1, 2, 3, -kInfinity}));  // the prompt does not count
  EXPECT_EQ(ban({1}), (Row{1, 2, -kInfinity, -kInfinity}));
  EXPECT_EQ(ban({0, 1}), (Row{-kInfinity, 2, -kInfinity, -kInfinity}));
  EXPECT_EQ(ban({1, 0}), (Row{1, 2, 3, -kInfinity}));
}

TEST(Processors, MinTokensBansStopsUntilTheyAreReached) {
  SamplingParams params;
  params.min_tokens = 2;
  params.stop_token_ids = {3};
  EXPECT_EQ(processed(state_of(params, {1}, {0}, 1), {1, 2, 3, 4}),
            (Row{1, -kInfinity, 3, -kInfinity}));
  EXPECT_EQ(processed(state_of(params, {1}, {0, 0}, 1), {1, 2, 3, 4}), (Row{1, 2, 3, 4}));
  params.ignore_eos = true;
  EXPECT_EQ(processed(state_of(params, {1}, {}, 1), {1, 2, 3, 4}),
            (Row{1, -kInfinity, 3, -kInfinity}));
}

TEST(Processors, BiasIsAdded) {
  SamplingParams params;
  params.logit_bias = {{1, -100}, {3, 2.5f}};
  EXPECT_EQ(processed(state_of(params, {1}), {1, 2, 3, 4}), (Row{1, -98, 3, 6.5f}));
}

TEST(Processors, RepetitionCountsPromptAndOutputsTheOthersOutputsOnly) {
  SamplingParams params;
  params.repetition_penalty = 2;
  EXPECT_EQ(processed(state_of(params, {0, 1}, {3, 3}), {4, -4, 3, 6}), (Row{2, -8, 3, 3}));
  params.repetition_penalty = 1;
  params.frequency_penalty = 0.5f;
  EXPECT_EQ(processed(state_of(params, {0, 1}, {3, 3, 1}), {4, -4, 3, 6}), (Row{4, -4.5f, 3, 5}));
  params.frequency_penalty = 0;
  params.presence_penalty = -2;
  EXPECT_EQ(processed(state_of(params, {0, 1}, {3, 3, 1}), {4, -4, 3, 6}), (Row{4, -2, 3, 8}));
  params.repetition_penalty = 2;
  params.frequency_penalty = 0.5f;  // repetition first
  EXPECT_EQ(processed(state_of(params, {0}, {3}), {4, -4, 3, 6}), (Row{2, -4, 3, 4.5f}));
}

TEST(Processors, BiasComesBeforePenaltiesAndAfterMasks) {
  SamplingParams params;
  params.allowed_token_ids = {0, 1};
  params.logit_bias = {{0, 4}, {2, 50}};
  params.repetition_penalty = 2;
  EXPECT_EQ(processed(state_of(params, {0}), {-2, 1, 1, 1}), (Row{1, 1, -kInfinity, -kInfinity}));
}

TEST(Processors, ResumedTokensCountAsOutputs) {
  SamplingParams params;
  params.presence_penalty = 1;
  params.min_tokens = 2;
  params.bad_words = {{2, 0}};
  const std::vector<TokenId> prompt = {1, 3, 2};
  SamplingState state(params, 0, 3, prompt, 2);
  EXPECT_EQ(state.num_outputs(), 2u);
  EXPECT_EQ(processed(state, {4, 4, 4, 4}), (Row{-kInfinity, 4, 3, 3}));
}

// A row after right drafts is the row that comes when they have become outputs.
TEST(Processors, DraftsCountAsOutputs) {
  testing::for_each_seed(500, [](testing::Random& random) {
    const auto some_tokens = [&](std::uint32_t most) {
      std::vector<TokenId> tokens(testing::pick(random, 0, most));
      for (TokenId& token : tokens) token = static_cast<TokenId>(testing::pick(random, 0, 9));
      return tokens;
    };
    SamplingParams params;
    if (testing::chance(random, 0.5)) params.repetition_penalty = 1.3f;
    if (testing::chance(random, 0.5)) params.presence_penalty = 0.7f;
    if (testing::chance(random, 0.5)) params.frequency_penalty = 0.3f;
    params.min_tokens = testing::pick(random, 0, 8);
    params.stop_token_ids = {3};
    for (int i = 0; i < 4; ++i) params.bad_words.push_back(some_tokens(4));
    params.logit_bias = {{5, 0.5f}};
    const std::vector<TokenId> prompt = some_tokens(6), outputs = some_tokens(4),
                               drafts = some_tokens(5);
    std::vector<TokenId> all = outputs;
    all.insert(all.end(), drafts.begin(), drafts.end());
    Row row(10);
    for (float& x : row) x = static_cast<float>(testing::pick(random, 0, 800)) * 0.01f - 4;

    const SamplingState before = state_of(params, prompt, outputs, 1);
    const SamplingState after = state_of(params, prompt, all, 1);
    const SamplingPosition position(before, drafts);
    Row drafted = row;
    std::vector<float> scratch;
    apply_processors(position, drafted, scratch);
    ASSERT_EQ(drafted, processed(after, row));
    ASSERT_EQ(has_processors(position), has_processors(after));
  });
}

}  // namespace
}  // namespace nacelle::engine
