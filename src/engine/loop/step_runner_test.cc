// End to end on one thread: requests in, tokens out, through a model that notices wrong KV reads.
#include "engine/loop/step_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engine/testing/runner_bench.h"

namespace nacelle::engine {
namespace {

using testing::Bench;
using testing::CollectingSink;
using testing::FakeCausalLm;
using testing::FakeOptions;
using testing::greedy;
using ::testing::IsEmpty;
using testing::small_config;
using testing::tokens;

TEST(StepRunner, GreedyOutputIsTheModelsWhateverTheChunking) {
  const Request request = greedy(tokens(37), 20);
  for (const std::uint32_t block_size : {1u, 3u, 16u, 128u}) {
    for (const std::uint32_t budget : {1u, 5u, 16u, 64u}) {
      SCOPED_TRACE(::testing::Message() << "block " << block_size << " budget " << budget);
      EngineConfig config = small_config();
      config.block_size = block_size;
      config.max_num_batched_tokens = budget;
      Bench bench(config);
      const auto sink = bench.add(request);
      bench.run_until_idle();
      bench.expect(request, *sink);
    }
  }
}

TEST(StepRunner, PrefixHitChangesTimesNotTokens) {
  Bench bench(small_config());
  const Request request = greedy(tokens(30), 10);
  const auto first = bench.add(request);
  bench.run_until_idle();
  const std::uint64_t rows = bench.log().rows;
  const auto second = bench.add(request);
  bench.run_until_idle();
  EXPECT_EQ(first->result().num_cached_tokens, 0u);
  EXPECT_EQ(second->result().num_cached_tokens, 28u);
  EXPECT_EQ(bench.log().rows - rows, 2u + 9u);
  bench.expect(request, *first);
  bench.expect(request, *second);
}

TEST(StepRunner, ContinuedConversationHitsTheBlocksOfItsOutputs) {
  Bench bench(small_config());
  Request request = greedy(tokens(10), 11);
  const auto first = bench.add(request);
  bench.run_until_idle();
  const auto outputs = first->result().tokens;
  request.prompt.insert(request.prompt.end(), outputs.begin(), outputs.end());
  const auto second = bench.add(request);
  bench.run_until_idle();
  EXPECT_EQ(second->result().num_cached_tokens, 20u);  // the 21st token has no K and V
  bench.expect(request, *second);
}

TEST(StepRunner, SaltedRequestsDoNotShare) {
  Bench bench(small_config());
  Request request = greedy(tokens(30), 2);
  request.cache_salt = "a";
  (void)bench.add(request);
  bench.run_until_idle();
  request.cache_salt = "b";
  const auto other = bench.add(request);
  request.cache_salt = "a";
  const auto same = bench.add(request);
  bench.run_until_idle();
  EXPECT_EQ(other->result().num_cached_tokens, 0u);
  EXPECT_EQ(same->result().num_cached_tokens, 28u);
}

TEST(StepRunner, ResumedRequestContinuesTheRandomStreamAndPenalties) {
  FakeOptions fake{.vocab_size = 32};
  Request whole = greedy(tokens(9), 20);
  for (TokenId& token : whole.prompt) token %= 32;
  whole.params.temperature = 1;
  whole.params.seed = 5;
  whole.params.presence_penalty = 1.5f;
  Bench bench(small_config(), fake);
  const auto first = bench.add(whole);
  bench.run_until_idle();
  const std::vector<TokenId> outputs = first->result().tokens;
  ASSERT_EQ(outputs.size(), 20u);
  for (const std::uint32_t done : {1u, 7u, 19u}) {
    Request resumed = whole;
    resumed.prompt.insert(resumed.prompt.end(), outputs.begin(), outputs.begin() + done);
    resumed.num_resumed_tokens = done;
    const auto rest = bench.add(resumed);
    bench.run_until_idle();
    EXPECT_EQ(rest->result().tokens, std::vector<TokenId>(outputs.begin() + done, outputs.end()));
    EXPECT_EQ(rest->result().finish, FinishReason::kLength);
  }
}

TEST(StepRunner, PromptLogprobsOfEveryPositionInAnyChunking) {
  FakeOptions fake;
  Request request = greedy(tokens(25), 2);
  request.params.prompt_logprobs = 2;
  for (const std::uint32_t rows : {1u, 7u, 100u}) {
    EngineConfig config = small_config();
    config.max_prompt_logprob_rows = rows;
    Bench bench(config, fake);
    (void)bench.add(greedy(tokens(25), 2));  // leaves hits that must not be read
    bench.run_until_idle();
    const auto sink = bench.add(request);
    bench.run_until_idle();
    const CollectingSink::Result result = sink->result();
    EXPECT_EQ(result.num_cached_tokens, 0u);
    EXPECT_LE(bench.log().most_logit_rows.load(), rows + 1);
    ASSERT_EQ(result.prompt_logprobs.size(), 25u);
    EXPECT_THAT(result.prompt_logprobs[0].tokens, IsEmpty());
    std::vector<float> row(fake.vocab_size);
    for (std::size_t i = 1; i < 25; ++i) {
      FakeCausalLm::fill_logits(fake, std::span(request.prompt).first(i), row);
      double sum = 0;
      for (const float logit : row) sum += std::exp(static_cast<double>(logit));
      const auto& position = result.prompt_logprobs[i].tokens;
      ASSERT_EQ(position.size(), 3u);
      EXPECT_EQ(position[0].token, request.prompt[i]);
      EXPECT_NEAR(position[0].logprob,
                  row[static_cast<std::size_t>(request.prompt[i])] - std::log(sum), 1e-5);
    }
  }
}

TEST(StepRunner, PromptOfOneTokenHasOneEmptyPromptLogprob) {
  Bench bench(small_config());
  Request request = greedy({3}, 1);
  request.params.prompt_logprobs = 1;
  const auto sink = bench.add(request);
  bench.run_until_idle();
  ASSERT_EQ(sink->result().prompt_logprobs.size(), 1u);
  EXPECT_THAT(sink->result().prompt_logprobs[0].tokens, IsEmpty());
}

TEST(StepRunner, PoisonedSequenceEndsAloneAndItsBlocksAreNotReused) {
  Bench bench(small_config(), {.poison_token = 50});
  Request bad = greedy(tokens(12), 5);
  bad.prompt[1] = 50;
  const Request good = greedy(tokens(13, 2), 8);
  const auto bad_sink = bench.add(bad);
  const auto good_sink = bench.add(good);
  bench.run_until_idle();
  EXPECT_EQ(bad_sink->result().finish, FinishReason::kError);
  EXPECT_EQ(bad_sink->result().error.code(), Code::kDataLoss);
  bench.expect(good, *good_sink);
  const auto again = bench.add(bad);
  bench.run_until_idle();
  EXPECT_EQ(again->result().num_cached_tokens, 0u);
  const auto stats = bench.runner().stats();
  EXPECT_EQ(stats->corrupted_requests, 2u);
  EXPECT_EQ(stats->finished_error, 2u);
  EXPECT_EQ(stats->finished_length, 1u);
}

TEST(StepRunner, MasksThatLeaveNothingEndThatSequenceOnly) {
  Bench bench(small_config());
  Request bad = greedy(tokens(5), 5);
  bad.params.allowed_token_ids = {4};
  bad.params.bad_words = {{4}};
  const Request good = greedy(tokens(6), 5);
  const auto bad_sink = bench.add(bad);
  const auto good_sink = bench.add(good);
  bench.run_until_idle();
  EXPECT_EQ(bad_sink->result().error.code(), Code::kFailedPrecondition);
  bench.expect(good, *good_sink);
}

TEST(StepRunner, PromptThatNeverFitsIsAnErrorNotAHang) {
  EngineConfig config = small_config();
  config.num_blocks = 5;
  Bench bench(config);
  const auto large = bench.add(greedy(tokens(17), 5));
  const Request fits = greedy(tokens(10), 3);
  const auto small = bench.add(fits);
  const auto outgrows = bench.add(greedy(tokens(12), 50));
  bench.run_until_idle();
  EXPECT_EQ(large->result().finish, FinishReason::kError);
  EXPECT_EQ(large->result().error.code(), Code::kResourceExhausted);
  bench.expect(fits, *small);
  EXPECT_EQ(outgrows->result().finish, FinishReason::kError);
  EXPECT_EQ(outgrows->result().tokens.size(), 5u);  // 16 slots, and one token that has none
}

TEST(StepRunner, AbortFreesBlocksAtOnceWhereverTheSequenceIs) {
  EngineConfig config = small_config();
  config.max_num_seqs = 2;
  Bench bench(config);
  const auto running = bench.add(greedy(tokens(9), 50));
  const auto partial = bench.add(greedy(tokens(60), 50));
  const auto waiting = bench.add(greedy(tokens(9, 3), 50));
  bench.step();
  EXPECT_GT(bench.runner().stats()->kv_cache_usage, 0);
  for (std::uint64_t id = 1; id <= 3; ++id) {
    bench.runner().abort(SequenceId{id}, FinishReason::kAbort);
    bench.runner().abort(SequenceId{id}, FinishReason::kAbort);
  }
  EXPECT_EQ(bench.runner().stats()->kv_cache_usage, 0);
  EXPECT_TRUE(bench.runner().idle());
  for (const auto& sink : {running, partial, waiting}) {
    EXPECT_EQ(sink->result().finish, FinishReason::kAbort);
    EXPECT_FALSE(sink->result().spoke_after_the_end);
  }
  EXPECT_EQ(bench.runner().stats()->finished_abort, 3u);
}

TEST(StepRunner, AbortMayNameAnotherReason) {
  Bench bench(small_config());
  const auto sink = bench.add(greedy(tokens(5), 50));
  bench.step();
  bench.runner().abort(SequenceId{1}, FinishReason::kStop);
  EXPECT_EQ(sink->result().finish, FinishReason::kStop);
  EXPECT_EQ(bench.runner().stats()->finished_stop, 1u);
}

TEST(StepRunner, UnseededRequestsDifferFromEachOtherAndRepeatWithTheEngine) {
  const auto run = [](std::uint64_t engine_seed) {
    EngineConfig config = small_config();
    config.seed = engine_seed;
    Bench bench(config);
    Request request = greedy(tokens(5), 10);
    request.params.temperature = 1;
    const auto a = bench.add(request), b = bench.add(request);
    bench.run_until_idle();
    return std::pair(a->result().tokens, b->result().tokens);
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1).first, run(1).second);
  EXPECT_NE(run(1).first, run(2).first);
}

TEST(StepRunner, TimesAndStatsFollowTheDefinitions) {
  EngineConfig config = small_config();
  Bench bench(config);
  Request request = greedy(tokens(20), 3);  // two steps of prefill, two of decode
  bench.clock().advance(1s);
  request.arrival = bench.clock().now() - 500ms;
  const auto sink = bench.add(request);
  bench.run_until_idle();
  const CollectingSink::Result result = sink->result();
  const TimePoint arrival = request.arrival;
  EXPECT_EQ(result.times.arrival, arrival);
  EXPECT_EQ(*result.times.first_scheduled, arrival + 510ms);
  EXPECT_EQ(*result.times.first_token, arrival + 520ms);
  EXPECT_EQ(*result.times.last_token, arrival + 540ms);

  const auto stats = bench.runner().stats();
  EXPECT_EQ(stats->num_steps, 4u);
  EXPECT_EQ(stats->prompt_tokens, 20u);
  EXPECT_EQ(stats->prompt_tokens_cached, 0u);
  EXPECT_EQ(stats->generation_tokens, 3u);
  EXPECT_EQ(stats->finished_length, 1u);
  EXPECT_NEAR(stats->time_to_first_token.sum, 0.52, 1e-9);
  EXPECT_NEAR(stats->inter_token_latency.sum, 0.02, 1e-9);
  EXPECT_NEAR(stats->time_per_output_token.sum, 0.01, 1e-9);
  EXPECT_NEAR(stats->queue_time.sum, 0.01, 1e-9);
  EXPECT_NEAR(stats->prefill_time.sum, 0.01, 1e-9);
  EXPECT_NEAR(stats->decode_time.sum, 0.02, 1e-9);
  EXPECT_NEAR(stats->inference_time.sum, 0.03, 1e-9);
  EXPECT_NEAR(stats->e2e_latency.sum, 0.54, 1e-9);
  EXPECT_EQ(stats->iteration_tokens.sum, 23);
  EXPECT_EQ(stats->request_prompt_tokens.sum, 20);
  EXPECT_EQ(stats->request_generation_tokens.sum, 3);
  EXPECT_EQ(stats->request_params_max_tokens.sum, 3);
  EXPECT_EQ(stats->request_prefill_kv_computed_tokens.sum, 20);
  EXPECT_EQ(stats->num_running + stats->num_waiting, 0u);
  EXPECT_EQ(stats->num_blocks, 64u);
}

}  // namespace
}  // namespace nacelle::engine
