#include "engine/exec/sampling_pass.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace nacelle::engine {
namespace {

struct Outcome {
  std::vector<TokenId> tokens;
  std::vector<Code> errors;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

// 40 rows: sampled, greedy, prompt rows and one without numbers.
Outcome run_with(kernels::WorkerPool* pool) {
  constexpr std::size_t kRows = 40, kVocab = 500;
  std::mt19937 random(4);
  std::vector<float> logits(kRows * kVocab);
  for (float& x : logits) x = static_cast<float>(random() % 1000) / 100.0f;
  logits[7 * kVocab + 3] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<TokenId> prompt = {1};
  std::vector<SamplingState> states;
  std::vector<RowJob> jobs;
  for (std::size_t i = 0; i < kRows; ++i) {
    SamplingParams params;
    params.temperature = i % 3 == 0 ? 0.0f : 1.0f;
    params.top_k = i % 4 == 0 ? 7 : 0;
    params.prompt_logprobs = 2;
    states.emplace_back(params, i, -1, prompt, 0);
  }
  for (std::size_t i = 0; i < kRows; ++i) {
    jobs.push_back(
        {.logits = std::span(logits).subspan(i * kVocab, kVocab), .sampling = &states[i]});
    if (i % 5 == 0) jobs.back().prompt_token = static_cast<TokenId>(i);
  }
  SamplingPass pass(pool);
  pass.run(jobs);
  Outcome outcome;
  for (const RowJob& job : jobs) {
    outcome.errors.push_back(job.error.code());
    outcome.tokens.push_back(job.prompt_token ? job.result.logprobs->tokens[1].token
                                              : job.result.token);
  }
  return outcome;
}

TEST(SamplingPass, ThreadsDoNotShowInTheResults) {
  const Outcome alone = run_with(nullptr);
  EXPECT_EQ(alone.errors[7], Code::kDataLoss);
  EXPECT_EQ(std::count(alone.errors.begin(), alone.errors.end(), Code::kOk), 39);
  kernels::WorkerPool two(2), three(3);
  EXPECT_EQ(run_with(&two), alone);
  EXPECT_EQ(run_with(&three), alone);
}

TEST(SamplingPass, NothingToDo) {
  kernels::WorkerPool pool(2);
  SamplingPass(&pool).run({});
  SamplingPass(nullptr).run({});
}

}  // namespace
}  // namespace nacelle::engine
