// The engine around a real (tiny, made-up) model: tokens and the bits of their logprobs must not
// depend on chunking, on the batch, on prefix hits, on preemption or on the number of threads.
#include <gtest/gtest.h>

#include "engine/core/testing/property.h"
#include "engine/engine.h"
#include "engine/testing/collecting_sink.h"
#include "kernels/worker_pool.h"
#include "model/testing/tiny_model.h"

namespace nacelle::engine {
namespace {

using model::testing::TinyModel;
using testing::CollectingSink;
using testing::pick;
using testing::Random;

struct Answer {
  std::vector<TokenId> tokens;
  std::vector<float> logprobs;         // of the sampled tokens
  std::vector<float> prompt_logprobs;  // of the prompt's
  FinishReason finish;
  friend bool operator==(const Answer&, const Answer&) = default;
};

Answer answer_of(const CollectingSink::Result& result) {
  Answer answer{.tokens = result.tokens, .finish = result.finish};
  for (const auto& position : result.logprobs)
    answer.logprobs.push_back(position.tokens[0].logprob);
  for (const auto& position : result.prompt_logprobs) {
    if (!position.tokens.empty()) answer.prompt_logprobs.push_back(position.tokens[0].logprob);
  }
  return answer;
}

std::vector<Answer> run(const TinyModel& shape, const EngineConfig& config,
                        const std::vector<Request>& requests, bool one_at_a_time,
                        std::size_t num_threads, Stats* stats = nullptr) {
  kernels::WorkerPool pool(num_threads);
  auto engine = Engine::start(config, model::testing::tiny_model(pool, shape), &pool);
  EXPECT_TRUE(engine.ok()) << engine.error().to_string();
  std::vector<std::shared_ptr<CollectingSink>> sinks;
  for (const Request& request : requests) {
    sinks.push_back(std::make_shared<CollectingSink>());
    auto place = (*engine)->admit(1);
    const auto id = (*engine)->submit(request, std::move(*place), sinks.back());
    EXPECT_TRUE(id.ok()) << id.error().to_string();
    if (one_at_a_time) (void)sinks.back()->wait_for_end();
  }
  std::vector<Answer> answers;
  for (const auto& sink : sinks) answers.push_back(answer_of(sink->wait_for_end()));
  (*engine)->stop(std::chrono::milliseconds(60000));
  if (stats != nullptr) *stats = *(*engine)->stats();
  return answers;
}

std::vector<Request> some_requests(std::uint64_t seed) {
  Random random(seed);
  std::vector<Request> requests;
  for (int i = 0; i < 32; ++i) {
    Request request;
    const std::uint32_t size = pick(random, 1, 70);
    for (std::uint32_t j = 0; j < size; ++j) {  // long common beginnings
      request.prompt.push_back(
          static_cast<TokenId>(j < 40 && i % 3 != 0 ? 3 + j : pick(random, 3, 250)));
    }
    request.params.temperature = i % 2 == 0 ? 0.0f : 0.8f;
    request.params.seed = i;
    request.params.max_tokens = pick(random, 1, 40);
    request.params.logprobs = 1;
    if (i % 4 == 1) request.params.prompt_logprobs = 0;
    requests.push_back(std::move(request));
  }
  return requests;
}

void expect_invariant(const TinyModel& shape) {
  const std::vector<Request> requests = some_requests(5);
  EngineConfig plain;
  plain.block_size = 16;
  plain.num_blocks = 100;
  plain.max_model_len = 128;
  plain.max_num_batched_tokens = 512;
  plain.enable_prefix_caching = false;
  plain.eos_token = shape.eos_token_id;
  const std::vector<Answer> alone = run(shape, plain, requests, true, 1);

  EXPECT_EQ(run(shape, plain, requests, false, 2), alone) << "in one batch";

  EngineConfig cached = plain;
  cached.enable_prefix_caching = true;
  Stats stats;
  EXPECT_EQ(run(shape, cached, requests, true, 1, &stats), alone) << "with prefix hits";
  EXPECT_GT(stats.prefix_cache_hits, 0u);

  EngineConfig chunked = cached;
  chunked.max_num_batched_tokens = 13;
  chunked.block_size = 8;
  chunked.num_blocks = 200;
  EXPECT_EQ(run(shape, chunked, requests, false, 2), alone) << "in small chunks";

  EngineConfig tight = cached;
  tight.block_size = 4;
  tight.num_blocks = 40;
  tight.max_num_batched_tokens = 64;
  tight.reserve_full_prompt = false;
  EXPECT_EQ(run(shape, tight, requests, false, 2, &stats), alone) << "with preemption";
  EXPECT_GT(stats.num_preemptions, 0u);

  EngineConfig synchronous = tight;
  synchronous.async_scheduling = false;
  EXPECT_EQ(run(shape, synchronous, requests, false, 2), alone) << "planned between the steps";

  EngineConfig guessing = cached;
  guessing.speculative = {
      .num_speculative_tokens = 5, .prompt_lookup_min = 1, .prompt_lookup_max = 4};
  EXPECT_EQ(run(shape, guessing, requests, true, 1, &stats), alone) << "with speculation, alone";
  EXPECT_GT(stats.num_accepted_tokens, 0u);
  EXPECT_GT(stats.num_draft_tokens, stats.num_accepted_tokens);
  EXPECT_EQ(run(shape, guessing, requests, false, 2), alone) << "with speculation, in a batch";
  EngineConfig tight_guessing = tight;
  tight_guessing.speculative = guessing.speculative;
  EXPECT_EQ(run(shape, tight_guessing, requests, false, 2, &stats), alone)
      << "with speculation and preemption";
  EXPECT_GT(stats.num_preemptions, 0u);
}

TEST(RealModel, LlamaF32) { expect_invariant({.seed = 1}); }
TEST(RealModel, Qwen3Bf16) {
  expect_invariant({.architecture = "Qwen3ForCausalLM", .dtype = "bfloat16", .seed = 2});
}
TEST(RealModel, MistralWithASlidingWindow) {
  expect_invariant({.architecture = "MistralForCausalLM", .sliding_window = 24, .seed = 3});
}
TEST(RealModel, QwenInt8WithFp8Kv) {
  expect_invariant({.architecture = "Qwen3ForCausalLM",
                    .intermediate_size = 64,
                    .dtype = "bfloat16",
                    .seed = 4,
                    .quantization = "int8",
                    .kv_dtype = DType::kF8E4M3});
}
TEST(RealModel, LlamaInt4WithInt8Kv) {
  expect_invariant({.intermediate_size = 64,
                    .dtype = "bfloat16",
                    .seed = 5,
                    .quantization = "int4-g32",
                    .kv_dtype = DType::kI8});
}

}  // namespace
}  // namespace nacelle::engine
