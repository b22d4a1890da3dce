// The engine through its public face, with its own thread.
#include "engine/loop/engine_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "engine/testing/collecting_sink.h"
#include "engine/testing/expected_tokens.h"
#include "engine/testing/fake_causal_lm.h"

namespace nacelle::engine {
namespace {

using testing::CollectingSink;
using testing::FakeCausalLm;
using testing::FakeLog;
using testing::FakeOptions;
using ::testing::IsEmpty;

// Lets forward() through one call at a time, or all.
class Gate {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_ || permits_ > 0; });
    if (!open_) --permits_;
  }
  void wait_for_arrivals(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return arrived_ >= count; });
  }
  void permit() {
    const std::lock_guard lock(mutex_);
    ++permits_;
    changed_.notify_all();
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int arrived_ = 0, permits_ = 0;
  bool open_ = false;
};

EngineConfig small_config() {
  EngineConfig config;
  config.block_size = 4;
  config.num_blocks = 64;
  config.max_model_len = 100;
  config.max_num_batched_tokens = 32;
  config.max_num_seqs = 4;
  return config;
}

std::unique_ptr<Engine> start(const EngineConfig& config, FakeOptions fake = {},
                              std::shared_ptr<FakeLog> log = std::make_shared<FakeLog>()) {
  auto engine = Engine::start(config, std::make_unique<FakeCausalLm>(std::move(fake), log));
  EXPECT_TRUE(engine.ok()) << engine.error().to_string();
  return std::move(engine).value();
}

Request greedy(std::vector<TokenId> prompt, std::uint32_t max_tokens) {
  Request request;
  request.prompt = std::move(prompt);
  request.params.temperature = 0;
  request.params.max_tokens = max_tokens;
  return request;
}

struct Submitted {
  SequenceId id;
  std::shared_ptr<CollectingSink> sink = std::make_shared<CollectingSink>();
};

Submitted submit(Engine& engine, const Request& request) {
  Submitted submitted;
  auto place = engine.admit(1);
  EXPECT_TRUE(place.ok()) << place.error().to_string();
  auto id = engine.submit(request, std::move(*place), submitted.sink);
  EXPECT_TRUE(id.ok()) << id.error().to_string();
  submitted.id = *id;
  return submitted;
}

TEST(Engine, AnswersARequest) {
  const auto engine = start(small_config());
  const Request request = greedy({1, 2, 3, 4, 5}, 10);
  const Submitted submitted = submit(*engine, request);
  const auto result = submitted.sink->wait_for_end();
  EXPECT_EQ(result.tokens, testing::expected_tokens(request, {}, 100).tokens);
  EXPECT_EQ(result.num_outputs, 10);  // token by token
  EXPECT_TRUE(engine->healthy());
}

TEST(Engine, ManyThreadsSubmitAndAbort) {
  auto log = std::make_shared<FakeLog>();
  const auto engine = start(small_config(), {}, log);
  std::vector<std::thread> threads;
  std::atomic<int> finished{0}, aborted{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        const Request request = greedy({t, i, 3, 4, 5, 6, 7}, 12);
        const Submitted submitted = submit(*engine, request);
        const bool gives_up = i % 5 == 0;
        if (gives_up) {
          submitted.sink->wait_for_tokens(3);
          engine->abort(submitted.id);
        }
        const auto result = submitted.sink->wait_for_end();
        const auto expected = testing::expected_tokens(request, {}, 100).tokens;
        if (result.finish == FinishReason::kAbort) {
          ++aborted;
          EXPECT_TRUE(gives_up);
          EXPECT_TRUE(std::equal(result.tokens.begin(), result.tokens.end(), expected.begin()));
        } else {
          ++finished;
          EXPECT_EQ(result.tokens, expected);
        }
        (void)engine->stats();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(finished + aborted, 100);
  engine->stop(1s);
  EXPECT_EQ(engine->stats()->kv_cache_usage, 0);
  EXPECT_EQ(engine->stats()->finished_length, static_cast<std::uint64_t>(finished));
  EXPECT_THAT(log->take(), IsEmpty());
}

TEST(Engine, QueueIsBounded) {
  Gate gate;
  EngineConfig config = small_config();
  config.max_queued_requests = 3;
  const auto engine = start(config, {.before_forward = [&] { gate.pass(); }});
  const Submitted first = submit(*engine, greedy({1, 2}, 1));
  const Submitted second = submit(*engine, greedy({1, 3}, 1));
  EXPECT_EQ(engine->admit(2).error().code(), Code::kResourceExhausted);
  {
    const auto held = engine->admit(1);
    ASSERT_TRUE(held.ok());
    EXPECT_EQ(engine->admit(1).error().code(), Code::kResourceExhausted);
  }
  EXPECT_TRUE(engine->admit(1).ok());  // given back unused
  gate.open();
  (void)first.sink->wait_for_end();
  (void)second.sink->wait_for_end();
  EXPECT_TRUE(engine->admit(3).ok());
}

TEST(Engine, OneAdmissionCarriesTheSequencesOfARequest) {
  EngineConfig config = small_config();
  config.max_queued_requests = 2;
  const auto engine = start(config);
  auto places = engine->admit(2);
  ASSERT_TRUE(places.ok());
  std::vector<std::shared_ptr<CollectingSink>> sinks;
  for (int i = 0; i < 2; ++i) {
    sinks.push_back(std::make_shared<CollectingSink>());
    ASSERT_TRUE(engine->submit(greedy({1, 2}, 2), places->take_one(), sinks.back()).ok());
  }
  EXPECT_EQ(places->count(), 0);
  EXPECT_EQ(engine->submit(greedy({1, 2}, 2), places->take_one(), sinks.back()).error().code(),
            Code::kFailedPrecondition);
  for (const auto& sink : sinks) (void)sink->wait_for_end();
}

TEST(Engine, RefusesWhatCannotRun) {
  const auto engine = start(small_config());
  auto place = engine->admit(1);
  ASSERT_TRUE(place.ok());
  auto sink = std::make_shared<CollectingSink>();
  EXPECT_EQ(engine->submit(greedy({1, 64}, 2), std::move(*place), sink).error().code(),
            Code::kInvalidArgument);
  place = engine->admit(1);
  EXPECT_EQ(engine->submit(greedy({1}, 2), std::move(*place), nullptr).error().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(Engine::start(small_config(), nullptr).error().code(), Code::kInvalidArgument);
  EngineConfig bad = small_config();
  bad.num_blocks = 0;
  EXPECT_EQ(Engine::start(bad, std::make_unique<FakeCausalLm>()).error().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(Engine::start(small_config(),
                          std::make_unique<FakeCausalLm>(FakeOptions{.max_kv_blocks = 63}))
                .error()
                .code(),
            Code::kResourceExhausted);
}

TEST(Engine, AbortMidStreamFreesBlocks) {
  Gate gate;
  const auto engine = start(small_config(), {.before_forward = [&] { gate.pass(); }});
  const Submitted submitted = submit(*engine, greedy({1, 2, 3, 4, 5}, 90));
  for (int i = 0; i < 3; ++i) gate.permit();
  submitted.sink->wait_for_tokens(3);
  gate.wait_for_arrivals(4);
  EXPECT_GT(engine->stats()->kv_cache_usage, 0);
  engine->abort(submitted.id);
  gate.open();
  EXPECT_EQ(submitted.sink->wait_for_end().finish, FinishReason::kAbort);
  engine->abort(submitted.id);
  engine->abort(SequenceId{12345});
  engine->stop(1s);
  EXPECT_EQ(engine->stats()->kv_cache_usage, 0);
}

// Returns when the loop has gone round at least once more since the call: the first message may be
// taken by a round that began before, the second one's comes after it. While a step is in flight
// these messages change nothing.
void go_round(Engine& engine) {
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(engine.reset_prefix_cache());
}

TEST(Engine, DeliversTheOutputsOfAStepWhileTheNextOnesKernelsRun) {
  Gate gate;
  const auto engine = start(small_config(), {.before_forward = [&] { gate.pass(); }});
  const Submitted submitted = submit(*engine, greedy({1, 2, 3, 4, 5}, 20));
  gate.wait_for_arrivals(1);
  for (std::size_t steps = 1; steps <= 3; ++steps) {
    gate.permit();
    gate.wait_for_arrivals(static_cast<int>(steps) + 1);  // and there the kernels are held
    go_round(*engine);
    EXPECT_EQ(submitted.sink->result().tokens.size(), steps);
  }
  gate.open();
  EXPECT_EQ(submitted.sink->wait_for_end().tokens.size(), 20u);
}

// The prompt fills a block and the token that follows it begins the next one, which is taken when
// the second step is planned: before the kernels of the first one are done, or after.
TEST(Engine, PlansTheNextStepWhileKernelsRun) {
  for (const bool ahead : {true, false}) {
    Gate gate;
    EngineConfig config = small_config();
    config.async_scheduling = ahead;
    const auto engine = start(config, {.before_forward = [&] { gate.pass(); }});
    const Submitted submitted = submit(*engine, greedy({1, 2, 3, 4}, 4));
    gate.wait_for_arrivals(1);
    go_round(*engine);  // plans
    go_round(*engine);  // says what it holds
    const double usage = engine->stats()->kv_cache_usage;
    gate.permit();
    gate.wait_for_arrivals(2);
    go_round(*engine);
    const double with_two_blocks = engine->stats()->kv_cache_usage;
    EXPECT_NEAR(usage, ahead ? with_two_blocks : with_two_blocks / 2, 1e-9);
    gate.open();
    EXPECT_EQ(submitted.sink->wait_for_end().tokens.size(), 4u);
  }
}

TEST(Engine, StopDrainsThenRefuses) {
  const auto engine = start(small_config());
  std::vector<Submitted> all;
  for (TokenId i = 0; i < 10; ++i) all.push_back(submit(*engine, greedy({i, 2, 3}, 20)));
  auto place = engine->admit(1);
  engine->stop(60s);
  for (const Submitted& submitted : all) {
    EXPECT_EQ(submitted.sink->result().finish, FinishReason::kLength);
  }
  EXPECT_EQ(engine->admit(1).error().code(), Code::kUnavailable);
  EXPECT_EQ(engine->submit(greedy({1}, 2), std::move(*place), std::make_shared<CollectingSink>())
                .error()
                .code(),
            Code::kUnavailable);
  engine->abort(SequenceId{1});
  EXPECT_FALSE(engine->reset_prefix_cache());
  engine->stop(1s);
  EXPECT_TRUE(engine->healthy());
}

TEST(Engine, StopAbortsWhatDoesNotEndInTime) {
  EngineConfig config = small_config();
  config.max_model_len = 1000000;  // far more than stop() waits for
  config.num_blocks = 250001;
  config.max_num_seqs = 1;
  const auto engine = start(config);
  const Submitted running = submit(*engine, greedy({1, 2, 3}, 900000));
  const Submitted queued = submit(*engine, greedy({4, 5, 6}, 900000));
  running.sink->wait_for_tokens(2);
  engine->stop(0ms);
  EXPECT_EQ(running.sink->result().finish, FinishReason::kAbort);
  EXPECT_EQ(queued.sink->result().finish, FinishReason::kAbort);
  EXPECT_THAT(queued.sink->result().tokens, IsEmpty());
}

TEST(Engine, DestructionEndsEverything) {
  auto sink = std::make_shared<CollectingSink>();
  {
    const auto engine = start(small_config());
    auto place = engine->admit(1);
    ASSERT_TRUE(engine->submit(greedy({1, 2}, 90), std::move(*place), sink).ok());
  }
  EXPECT_NE(sink->result().finish, FinishReason::kNone);
}

TEST(Engine, PrefixCacheResetsOnlyWhenNothingRuns) {
  Gate gate;
  const auto engine = start(small_config(), {.before_forward = [&] { gate.pass(); }});
  const Request request = greedy({1, 2, 3, 4, 5, 6, 7, 8, 9}, 2);
  const Submitted first = submit(*engine, request);
  gate.wait_for_arrivals(1);
  std::thread opener([&] { gate.open(); });
  (void)engine->reset_prefix_cache();  // true or false, by how far the sequence is; no deadlock
  opener.join();
  (void)first.sink->wait_for_end();
  EXPECT_TRUE(engine->reset_prefix_cache());
  EXPECT_EQ(submit(*engine, request).sink->wait_for_end().num_cached_tokens, 0u);
  EXPECT_EQ(submit(*engine, request).sink->wait_for_end().num_cached_tokens, 8u);
}

TEST(Engine, LoopThatDiesAnswersEveryoneAndSaysSo) {
  Gate gate;
  const auto engine = start(small_config(), {.before_forward = [&] {
                              gate.pass();
                              throw std::runtime_error("device lost");
                            }});
  const Submitted running = submit(*engine, greedy({1, 2, 3}, 9));
  gate.wait_for_arrivals(1);
  const Submitted queued = submit(*engine, greedy({4, 5, 6}, 9));
  gate.open();
  for (const Submitted* submitted : {&running, &queued}) {
    const auto result = submitted->sink->wait_for_end();
    EXPECT_EQ(result.finish, FinishReason::kError);
    EXPECT_EQ(result.error.code(), Code::kInternal);
  }
  EXPECT_FALSE(engine->healthy());
  EXPECT_EQ(engine->admit(1).error().code(), Code::kUnavailable);
  EXPECT_FALSE(engine->reset_prefix_cache());
}

TEST(Engine, SinkThatThrowsHarmsNobodyElse) {
  class Thrower final : public OutputSink {
    void on_output(SequenceOutput) override { throw std::runtime_error("sink"); }
  };
  const auto engine = start(small_config());
  auto place = engine->admit(1);
  ASSERT_TRUE(
      engine->submit(greedy({1, 2, 3}, 5), std::move(*place), std::make_shared<Thrower>()).ok());
  EXPECT_EQ(submit(*engine, greedy({4, 5, 6}, 9)).sink->wait_for_end().tokens.size(), 9u);
  engine->stop(60s);
  EXPECT_TRUE(engine->healthy());
  EXPECT_EQ(engine->stats()->finished_length, 2u);
}

TEST(Engine, StatsDoNotWaitForAStep) {
  Gate gate;
  const auto engine = start(small_config(), {.before_forward = [&] { gate.pass(); }});
  const Submitted submitted = submit(*engine, greedy({1, 2, 3}, 2));
  gate.wait_for_arrivals(1);
  EXPECT_EQ(engine->stats()->num_steps, 0u);  // the step is held at the gate
  EXPECT_TRUE(engine->healthy());
  gate.open();
  (void)submitted.sink->wait_for_end();
}

}  // namespace
}  // namespace nacelle::engine
