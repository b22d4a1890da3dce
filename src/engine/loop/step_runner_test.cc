// End to end on one thread: requests in, tokens out, through a model that notices wrong KV reads.
#include "engine/loop/step_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numeric>

#include "engine/core/testing/property.h"
#include "engine/testing/collecting_sink.h"
#include "engine/testing/expected_tokens.h"
#include "engine/testing/fake_causal_lm.h"

namespace nacelle::engine {
namespace {

using testing::chance;
using testing::CollectingSink;
using testing::FakeCausalLm;
using testing::FakeLog;
using testing::FakeOptions;
using ::testing::IsEmpty;
using testing::pick;
using testing::Random;

EngineConfig small_config() {
  EngineConfig config;
  config.block_size = 4;
  config.num_blocks = 64;
  config.max_model_len = 100;
  config.max_num_batched_tokens = 16;
  config.max_num_seqs = 4;
  config.hash_seed = "0";
  return config;
}

// A runner, its fake and its clock. Overlapped, each step is planned before the one before it has
// run, and `mid_step` is called where the engine loop would handle messages meanwhile.
class Bench {
 public:
  explicit Bench(const EngineConfig& config, FakeOptions fake = {})
      : config_(config), fake_(std::move(fake)) {
    config_.eos_token = fake_.eos_token;
    auto model = std::make_unique<FakeCausalLm>(fake_, log_);
    EXPECT_TRUE(model->allocate_kv(config.num_blocks, config.block_size).ok());
    runner_.emplace(config_, BlockHasher(config.hash_algorithm, config.hash_seed), std::move(model),
                    nullptr, clock_);
  }
  ~Bench() { EXPECT_THAT(log_->take(), IsEmpty()); }

  std::shared_ptr<CollectingSink> add(Request request) {
    auto sink = std::make_shared<CollectingSink>();
    runner_->add(SequenceId{next_id_++}, std::move(request), {}, sink, clock_.now());
    return sink;
  }
  void step() {
    clock_.advance(10ms);
    if (!overlapped) return runner_->step();
    if (runner_->start_step()) {
      runner_->deliver();
      if (mid_step) mid_step();
      runner_->plan_ahead();
      runner_->run_step();
      if (mid_step) mid_step();
      runner_->finish_step();
      if (mid_step && config_.seed % 2 == 0) mid_step();  // between the steps
    }
    runner_->deliver();
  }
  void run_until_idle() {
    for (int i = 0; !runner_->idle(); ++i) {
      ASSERT_LT(i, 100000);
      step();
    }
    EXPECT_EQ(runner_->scheduler().cache().usage(), 0);
  }
  void expect(const Request& request, const CollectingSink& sink) {
    const auto expected = testing::expected_tokens(request, fake_, config_.max_model_len);
    const CollectingSink::Result result = sink.result();
    EXPECT_EQ(result.tokens, expected.tokens);
    EXPECT_EQ(result.finish, expected.verdict.finish) << result.error.to_string();
    EXPECT_EQ(result.stop_token, expected.verdict.stop_token);
    EXPECT_FALSE(result.spoke_after_the_end);
  }

  bool overlapped = false;
  std::function<void()> mid_step;

  StepRunner& runner() { return *runner_; }
  ManualClock& clock() { return clock_; }
  FakeLog& log() { return *log_; }

 private:
  EngineConfig config_;
  FakeOptions fake_;
  std::shared_ptr<FakeLog> log_ = std::make_shared<FakeLog>();
  ManualClock clock_;
  std::optional<StepRunner> runner_;
  std::uint64_t next_id_ = 1;
};

Request greedy(std::vector<TokenId> prompt, std::uint32_t max_tokens) {
  Request request;
  request.prompt = std::move(prompt);
  request.params.temperature = 0;
  request.params.max_tokens = max_tokens;
  return request;
}

std::vector<TokenId> tokens(std::size_t count, TokenId first = 1) {
  std::vector<TokenId> all(count);
  for (std::size_t i = 0; i < count; ++i) all[i] = (first + static_cast<TokenId>(i * 7)) % 60;
  return all;
}

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
