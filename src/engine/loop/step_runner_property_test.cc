// Random requests in every way that a step can be run: what each gets must be what it gets alone.
#include <gtest/gtest.h>

#include "engine/core/testing/property.h"
#include "engine/loop/step_runner.h"
#include "engine/testing/runner_bench.h"

namespace nacelle::engine {
namespace {

using testing::Bench;
using testing::chance;
using testing::CollectingSink;
using testing::FakeOptions;
using testing::pick;
using testing::Random;
using testing::small_config;

Request random_request(Random& random, const EngineConfig& config) {
  Request request;
  const std::uint32_t size = pick(random, 1, std::min(60u, config.max_model_len - 1));
  for (std::uint32_t i = 0; i < size; ++i) {
    request.prompt.push_back(
        static_cast<TokenId>(chance(random, 0.97) ? i % 5 : pick(random, 0, 31)));
  }
  SamplingParams& params = request.params;
  params.max_tokens = pick(random, 1, 25);
  params.temperature = chance(random, 0.5) ? 0.0f : 1.0f;
  params.seed = static_cast<std::int64_t>(random());
  if (chance(random, 0.2)) params.top_k = 5;
  if (chance(random, 0.2)) params.top_p = 0.7f;
  if (chance(random, 0.2)) params.min_p = 0.1f;
  if (chance(random, 0.2)) params.repetition_penalty = 1.3f;
  if (chance(random, 0.2)) params.presence_penalty = 0.5f;
  if (chance(random, 0.2)) params.frequency_penalty = 0.5f;
  if (chance(random, 0.2)) params.logit_bias = {{3, 2.0f}};
  if (chance(random, 0.2)) params.bad_words = {{4}, {5, 6}};
  if (chance(random, 0.1)) params.allowed_token_ids = {1, 2, 3, 8, 9, 10};
  if (chance(random, 0.2)) params.min_tokens = pick(random, 0, params.max_tokens);
  if (chance(random, 0.2)) params.stop_token_ids = {7, 8};
  if (chance(random, 0.2)) params.ignore_eos = true;
  if (chance(random, 0.2)) params.logprobs = static_cast<std::int32_t>(pick(random, 0, 3));
  if (chance(random, 0.2)) params.prompt_logprobs = static_cast<std::int32_t>(pick(random, 0, 3));
  request.priority = static_cast<std::int64_t>(pick(random, 0, 3));
  if (chance(random, 0.2)) request.cache_salt = "salt";
  return request;
}

EngineConfig random_config(Random& random) {
  EngineConfig config = small_config();
  config.block_size = pick(random, 1, 9);
  config.max_model_len = 90;
  // From barely one sequence to plenty.
  config.num_blocks = 1 + (90 + config.block_size - 1) / config.block_size +
                      pick(random, 0, 200 / config.block_size);
  config.max_num_batched_tokens = pick(random, 1, 100);
  config.max_num_seqs = pick(random, 1, 8);
  config.policy = chance(random, 0.5) ? SchedulingPolicy::kFcfs : SchedulingPolicy::kPriority;
  config.enable_prefix_caching = chance(random, 0.8);
  config.reserve_full_prompt = chance(random, 0.5);
  config.max_prompt_logprob_rows = pick(random, 1, 20);
  config.seed = random();
  return config;
}

void expect_result(Bench& bench, const Request& request, const CollectingSink& sink) {
  bench.expect(request, sink);
  const CollectingSink::Result result = sink.result();
  EXPECT_EQ(result.logprobs.size(), request.params.logprobs >= 0 ? result.tokens.size() : 0);
  EXPECT_EQ(result.prompt_logprobs.size(),
            request.params.prompt_logprobs >= 0 ? request.prompt.size() : 0);
}

enum class Mode { kPlain, kOverlapped, kSpeculative, kSpeculativeOverlapped };
class InAnyMode : public ::testing::TestWithParam<Mode> {};
INSTANTIATE_TEST_SUITE_P(StepRunner, InAnyMode,
                         ::testing::Values(Mode::kPlain, Mode::kOverlapped, Mode::kSpeculative,
                                           Mode::kSpeculativeOverlapped));

// The central promise: tokens do not depend on what else runs, on chunks, hits or preemption, on
// when a step was planned, nor on guesses.
TEST_P(InAnyMode, EveryRequestGetsWhatItWouldGetAlone) {
  const bool speculative =
      GetParam() == Mode::kSpeculative || GetParam() == Mode::kSpeculativeOverlapped;
  Stats sum;
  testing::for_each_seed(400, [&](Random& random) {
    EngineConfig config = random_config(random);
    if (speculative) {
      config.speculative.num_speculative_tokens = pick(random, 1, 7);
      config.speculative.prompt_lookup_min = pick(random, 1, 3);
      config.speculative.prompt_lookup_max = pick(random, config.speculative.prompt_lookup_min, 4);
      config.speculative.max_draft_tokens_per_step = pick(random, 1, 30);
    }
    Bench bench(
        config,
        {.vocab_size = 32, .eos_token = 2, .predictable = speculative && chance(random, 0.8)});
    bench.overlapped =
        GetParam() == Mode::kOverlapped || GetParam() == Mode::kSpeculativeOverlapped;
    std::vector<std::pair<Request, std::shared_ptr<CollectingSink>>> all;
    const auto arrive = [&] {
      Request request = random_request(random, config);
      all.emplace_back(request, bench.add(request));
      bench.runner().extend_planned_step();
    };
    bench.mid_step = [&] {
      if (all.size() < 14 && chance(random, 0.1)) arrive();
    };
    for (int i = 0; i < 12; ++i) {
      arrive();
      while (chance(random, 0.5) && !bench.runner().idle()) bench.step();
    }
    bench.run_until_idle();
    for (const auto& [request, sink] : all) expect_result(bench, request, *sink);
    const auto stats = bench.runner().stats();
    sum.num_preemptions += stats->num_preemptions;
    sum.prefix_cache_hits += stats->prefix_cache_hits;
    sum.num_draft_tokens += stats->num_draft_tokens;
    sum.num_accepted_tokens += stats->num_accepted_tokens;
  });
  EXPECT_GT(sum.num_preemptions, 100u);
  EXPECT_GT(sum.prefix_cache_hits, 1000u);
  if (speculative) {
    EXPECT_GT(sum.num_accepted_tokens, 1000u);
    EXPECT_GT(sum.num_draft_tokens, sum.num_accepted_tokens + 1000);
  }
}

// Aborts at any moment end that sequence with a beginning of its tokens, and nobody else notices.
TEST_P(InAnyMode, AbortsDisturbNobody) {
  testing::for_each_seed(400, [&](Random& random) {
    EngineConfig config = random_config(random);
    if (GetParam() == Mode::kSpeculative || GetParam() == Mode::kSpeculativeOverlapped) {
      config.speculative = {.num_speculative_tokens = 3, .prompt_lookup_min = 1};
    }
    Bench bench(config, {.vocab_size = 32, .eos_token = 2});
    bench.overlapped =
        GetParam() == Mode::kOverlapped || GetParam() == Mode::kSpeculativeOverlapped;
    std::vector<std::pair<Request, std::shared_ptr<CollectingSink>>> all;
    const auto abort_some = [&] {
      if (!chance(random, 0.2) || all.empty()) return;
      bench.runner().abort(SequenceId{pick(random, 1, static_cast<std::uint32_t>(all.size()))},
                           FinishReason::kAbort);
    };
    bench.mid_step = abort_some;
    for (int i = 0; i < 12; ++i) {
      Request request = random_request(random, config);
      all.emplace_back(request, bench.add(request));
      bench.runner().extend_planned_step();
      abort_some();
      while (chance(random, 0.5) && !bench.runner().idle()) bench.step();
    }
    bench.run_until_idle();
    std::uint64_t num_aborted = 0;
    for (const auto& [request, sink] : all) {
      const CollectingSink::Result result = sink->result();
      if (result.finish != FinishReason::kAbort) {
        expect_result(bench, request, *sink);
        continue;
      }
      ++num_aborted;
      const auto expected =
          testing::expected_tokens(request, {.vocab_size = 32, .eos_token = 2}, 90).tokens;
      ASSERT_LE(result.tokens.size(), expected.size());
      EXPECT_TRUE(std::equal(result.tokens.begin(), result.tokens.end(), expected.begin()));
      EXPECT_FALSE(result.spoke_after_the_end);
    }
    EXPECT_EQ(bench.runner().stats()->finished_abort, num_aborted);
  });
}

// Corrupted logits in the middle of planned steps end their sequence and leave nothing behind.
TEST_P(InAnyMode, PoisonDisturbsNobody) {
  testing::for_each_seed(200, [&](Random& random) {
    EngineConfig config = random_config(random);
    if (GetParam() == Mode::kSpeculative || GetParam() == Mode::kSpeculativeOverlapped) {
      config.speculative = {.num_speculative_tokens = 3, .prompt_lookup_min = 1};
    }
    const FakeOptions fake{.vocab_size = 32, .poison_token = 31};
    Bench bench(config, fake);
    bench.overlapped =
        GetParam() == Mode::kOverlapped || GetParam() == Mode::kSpeculativeOverlapped;
    std::vector<std::pair<Request, std::shared_ptr<CollectingSink>>> all;
    for (int i = 0; i < 12; ++i) {
      Request request = random_request(random, config);
      request.params.allowed_token_ids.clear();
      all.emplace_back(request, bench.add(request));
      while (chance(random, 0.5) && !bench.runner().idle()) bench.step();
    }
    bench.run_until_idle();
    for (const auto& [request, sink] : all) {
      const CollectingSink::Result result = sink->result();
      if (result.finish != FinishReason::kError) {
        bench.expect(request, *sink);
        continue;
      }
      EXPECT_EQ(result.error.code(), Code::kDataLoss) << result.error.to_string();
    }
  });
}

}  // namespace
}  // namespace nacelle::engine
