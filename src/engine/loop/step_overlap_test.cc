// Speculation and planning ahead, case by case.
#include <gtest/gtest.h>

#include <functional>
#include <numeric>

#include "engine/loop/step_runner.h"
#include "engine/testing/runner_bench.h"

namespace nacelle::engine {
namespace {

using testing::Bench;
using testing::CollectingSink;
using testing::FakeCausalLm;
using testing::greedy;
using testing::small_config;
using testing::tokens;

// As the predictable fake goes on: 20 tokens, then the first of the cycle again.
std::vector<TokenId> periodic_prompt() {
  std::vector<TokenId> prompt = {3};
  while (prompt.size() < 20) prompt.push_back(FakeCausalLm::after(prompt.back()));
  return prompt;
}

TEST(StepRunner, StopInTheMiddleOfAcceptedDraftsCutsThemOff) {
  EngineConfig config = small_config();
  config.speculative = {
      .num_speculative_tokens = 8, .prompt_lookup_min = 2, .prompt_lookup_max = 4};
  config.max_num_batched_tokens = 64;
  Bench bench(config, {.predictable = true});
  Request request;
  request.prompt = periodic_prompt();
  request.params.temperature = 0;
  request.params.max_tokens = 50;
  request.params.logprobs = 2;
  request.params.stop_token_ids = {request.prompt[3]};
  const auto sink = bench.add(request);
  bench.run_until_idle();
  bench.expect(request, *sink);
  EXPECT_EQ(sink->result().logprobs.size(), sink->result().tokens.size());
  EXPECT_EQ(sink->result().tokens.size(), 4u);
  EXPECT_EQ(sink->result().finish, FinishReason::kStop);
  EXPECT_EQ(sink->result().num_outputs, 2);  // after the prompt, and all of the second step
  EXPECT_EQ(bench.runner().stats()->num_accepted_tokens, 8u);
}

TEST(StepRunner, SpeculationSavesStepsAndCountsWhatItDid) {
  EngineConfig config = small_config();
  config.max_num_batched_tokens = 64;
  Request request;
  request.prompt = periodic_prompt();
  request.params.temperature = 0;
  request.params.max_tokens = 60;
  Bench plain(config, {.predictable = true});
  const auto expected = plain.add(request);
  plain.run_until_idle();

  config.speculative = {
      .num_speculative_tokens = 4, .prompt_lookup_min = 3, .prompt_lookup_max = 3};
  Bench bench(config, {.predictable = true});
  const auto sink = bench.add(request);
  bench.run_until_idle();
  EXPECT_EQ(sink->result().tokens, expected->result().tokens);
  const auto stats = bench.runner().stats();
  EXPECT_LT(stats->num_steps, plain.runner().stats()->num_steps / 2);
  EXPECT_EQ(stats->generation_tokens, 60u);
  ASSERT_EQ(stats->num_accepted_per_position.size(), 4u);
  EXPECT_EQ(std::accumulate(stats->num_accepted_per_position.begin(),
                            stats->num_accepted_per_position.end(), std::uint64_t{0}),
            stats->num_accepted_tokens);
  EXPECT_LE(stats->num_accepted_per_position[3], stats->num_accepted_per_position[0]);
  EXPECT_LE(stats->num_accepted_per_position[0], stats->num_drafts);
  EXPECT_LE(stats->num_accepted_tokens, stats->num_draft_tokens);
  EXPECT_EQ(plain.runner().stats()->num_accepted_per_position.size(), 0u);
}

TEST(StepRunner, LastTokenIsNotPlannedAhead) {
  Bench bench(small_config());
  bench.overlapped = true;
  const Request request = greedy(tokens(5), 3);
  const auto sink = bench.add(request);
  bench.run_until_idle();
  bench.expect(request, *sink);
  EXPECT_EQ(bench.log().rows, 5u + 2u);  // the third token ends it: nothing is computed for it
}

TEST(StepRunner, ArrivalJoinsTheStepThatIsPlannedAlready) {
  Bench bench(small_config());
  bench.overlapped = true;
  const auto first = bench.add(greedy(tokens(5), 20));
  bench.step();
  std::shared_ptr<CollectingSink> second;
  int calls = 0;
  bench.mid_step = [&] {
    if (++calls != 2) return;
    second = bench.add(greedy(tokens(6, 3), 20));
    bench.runner().extend_planned_step();
  };
  bench.step();  // the second one comes while it runs
  bench.step();
  EXPECT_EQ(second->result().tokens.size(), 1u);
  EXPECT_EQ(first->result().tokens.size(), 3u);
}

}  // namespace
}  // namespace nacelle::engine
