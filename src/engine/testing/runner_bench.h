// runner_bench.h: a StepRunner around the fake model, with a clock that stands still between steps.
//
// Home:  one thread.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "engine/loop/step_runner.h"
#include "engine/testing/collecting_sink.h"
#include "engine/testing/expected_tokens.h"
#include "engine/testing/fake_causal_lm.h"

namespace nacelle::engine::testing {

inline EngineConfig small_config() {
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
  ~Bench() { EXPECT_THAT(log_->take(), ::testing::IsEmpty()); }

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
    const auto expected = expected_tokens(request, fake_, config_.max_model_len);
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

inline Request greedy(std::vector<TokenId> prompt, std::uint32_t max_tokens) {
  Request request;
  request.prompt = std::move(prompt);
  request.params.temperature = 0;
  request.params.max_tokens = max_tokens;
  return request;
}

inline std::vector<TokenId> tokens(std::size_t count, TokenId first = 1) {
  std::vector<TokenId> all(count);
  for (std::size_t i = 0; i < count; ++i) all[i] = (first + static_cast<TokenId>(i * 7)) % 60;
  return all;
}

}  // namespace nacelle::engine::testing
