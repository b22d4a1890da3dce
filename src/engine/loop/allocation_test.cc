// A step in steady state allocates no memory: counted by the operators of this test program.
//
// The count covers planning (at once and ahead), batch arrays, sampling, stop checks, outputs and
// the publishing of statistics; sequences cross block borders meanwhile. Logprobs own memory and
// are left out.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <new>

#include "engine/loop/stats_board.h"
#include "engine/loop/step_runner.h"
#include "model/testing/tiny_model.h"

namespace {

std::atomic<bool> counting{false};
std::atomic<int> num_allocations{0};

[[maybe_unused]] void* counted_allocation(std::size_t size, std::size_t alignment) {
  if (counting.load(std::memory_order_relaxed)) num_allocations.fetch_add(1);
  // aligned_alloc wants a multiple of the alignment.
  void* memory =
      alignment <= alignof(std::max_align_t)
          ? std::malloc(size == 0 ? 1 : size)
          : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

// The sanitizers bring operators of their own, which find mistakes that these would hide.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kCounts = false;
#else
constexpr bool kCounts = true;
// The forms without throwing and for arrays call these. Not inlined: GCC would take free() for a
// mistake.
[[gnu::noinline]] void* operator new(std::size_t size) { return counted_allocation(size, 1); }
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
  return counted_allocation(size, static_cast<std::size_t>(alignment));
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
#endif

namespace nacelle::engine {
namespace {

constexpr std::uint32_t kSequences = 64;

// Repeats itself, so that n-gram drafts are proposed, accepted and, now and then, rejected.
class PeriodicModel final : public model::CausalLm {
 public:
  PeriodicModel() { config_.vocab_size = 64; }
  const model::ModelConfig& config() const override { return config_; }
  DType dtype() const override { return DType::kF32; }
  std::size_t weight_bytes() const override { return 0; }
  std::string weight_format() const override { return "none"; }
  std::size_t kv_bytes_per_block(std::uint32_t) const override { return 0; }
  Status allocate_kv(std::uint32_t, std::uint32_t) override { return {}; }
  void forward(const model::ForwardBatch& batch, std::span<float> logits) override {
    std::ranges::fill(logits, 0.0f);
    for (std::size_t i = 0; i < batch.logit_rows.size(); ++i) {
      const TokenId next = (batch.tokens[batch.logit_rows[i]] + 1) % 7;
      logits[i * config_.vocab_size + static_cast<std::size_t>(next)] = 8;
    }
  }

 private:
  model::ModelConfig config_;
};

class NoSink final : public OutputSink {
 public:
  void on_output(SequenceOutput output) override { num_tokens += output.tokens.size(); }
  std::size_t num_tokens = 0;
};

Request request_of(std::uint32_t i) {
  Request request;
  for (std::uint32_t j = 0; j < 20 + i % 5; ++j) {
    request.prompt.push_back(static_cast<TokenId>((i + j) % 7));
  }
  SamplingParams& params = request.params;
  params.max_tokens = 2000;
  params.ignore_eos = true;
  params.temperature = i % 2 == 0 ? 0.0f : 1.0f;
  if (i % 3 == 1) params.top_k = 5;
  if (i % 4 == 1) params.top_p = 0.9f;
  if (i % 5 == 1) params.min_p = 0.05f;
  if (i % 6 == 1) params.repetition_penalty = 1.01f;
  if (i % 7 == 1) params.bad_words = {{40}, {41, 42}};
  if (i % 8 == 1) params.allowed_token_ids = {0, 1, 2, 3, 4, 5, 6, 20};
  if (i % 9 == 1) params.min_tokens = 1500;
  return request;
}

// Allocations during 200 steps, after enough steps for all buffers to have grown.
using MakeModel = std::function<std::unique_ptr<model::CausalLm>(kernels::WorkerPool& pool)>;

std::unique_ptr<model::CausalLm> make_periodic(kernels::WorkerPool&) {
  return std::make_unique<PeriodicModel>();
}

int allocations_of_steps(EngineConfig config, bool overlapped,
                         const MakeModel& make_model = make_periodic,
                         std::uint32_t num_first_steps = 100) {
  constexpr std::uint32_t kLength = 2048;
  config.max_model_len = kLength;
  config.num_blocks = 1 + kSequences * kLength / config.block_size;
  config.max_num_seqs = kSequences;
  kernels::WorkerPool pool(2);
  SteadyClock clock;
  auto model = make_model(pool);
  EXPECT_TRUE(model->allocate_kv(config.num_blocks, config.block_size).ok());
  StepRunner runner(config, BlockHasher(HashAlgorithm::kSha256Cbor, "0"), std::move(model), &pool,
                    clock);
  const auto sink = std::make_shared<NoSink>();
  for (std::uint32_t i = 0; i < kSequences; ++i) {
    runner.add(SequenceId{i + 1}, request_of(i), {}, sink, clock.now());
  }
  StatsBoard board(runner.read_stats());
  CacheEventLog events;
  std::size_t num_events = 0;
  const auto step = [&] {
    const bool started = runner.start_step();
    EXPECT_TRUE(started);
    runner.deliver();
    if (overlapped) runner.plan_ahead();
    runner.run_step();
    runner.finish_step();
    runner.swap_cache_events(events);
    num_events += events.records().size();
    events.clear();
    board.publish(runner.read_stats());
  };
  for (std::uint32_t i = 0; i < num_first_steps; ++i) step();
  const std::size_t tokens_before = sink->num_tokens;
  num_allocations = 0;
  counting = true;
  for (int i = 0; i < 200; ++i) step();
  counting = false;
  EXPECT_EQ(num_events > 0, config.kv_events.enabled);
  EXPECT_GE(sink->num_tokens - tokens_before, 200 * kSequences);
  EXPECT_EQ(runner.read_stats().num_running, kSequences);
  if (config.speculative.enabled()) {
    EXPECT_GT(runner.read_stats().num_accepted_tokens, 0u);
  }
  return num_allocations;
}

TEST(Allocation, TheCounterSeesVectors) {
  if (!kCounts) GTEST_SKIP() << "the sanitizer's operators do not count";
  num_allocations = 0;
  counting = true;
  std::vector<int> some(100);
  counting = false;
  EXPECT_EQ(num_allocations, 1);
}

TEST(Allocation, StepsInSteadyStateMakeNone) {
  EXPECT_EQ(allocations_of_steps({}, false), 0);
  EXPECT_EQ(allocations_of_steps({}, true), 0);
}

TEST(Allocation, NorWithKvEvents) {
  EngineConfig config;
  config.kv_events.enabled = true;
  EXPECT_EQ(allocations_of_steps(config, true), 0);
}

TEST(Allocation, NorWithSpeculation) {
  EngineConfig config;
  config.speculative = {
      .num_speculative_tokens = 4, .prompt_lookup_min = 2, .prompt_lookup_max = 3};
  EXPECT_EQ(allocations_of_steps(config, false), 0);
}

// The forward pass too: plans of attention, packed rows. Contexts go from a part of 256 positions
// to the next meanwhile, where sequences get more tasks.
TEST(Allocation, NorDoesARealModel) {
  for (const char* const quantization : {"", "int8", "int4"}) {
    for (const DType kv : {DType::kBF16, DType::kF8E4M3, DType::kI8}) {
      const auto make = [&](kernels::WorkerPool& pool) {
        return model::testing::tiny_model(pool, {.hidden_size = 128,
                                                 .intermediate_size = 256,
                                                 .dtype = "bfloat16",
                                                 .quantization = quantization,
                                                 .kv_dtype = kv});
      };
      EXPECT_EQ(allocations_of_steps({}, true, make, 350), 0)
          << quantization << " " << to_string(kv);
    }
  }
}

}  // namespace
}  // namespace nacelle::engine
