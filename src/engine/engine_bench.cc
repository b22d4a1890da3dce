// What the engine costs beside the model: planning and bookkeeping of a step, sampling of a row,
// hashing of blocks.
#include <benchmark/benchmark.h>

#include <numeric>
#include <random>

#include "engine/core/ngram_proposer.h"
#include "engine/core/scheduler.h"
#include "engine/exec/sampler/logprobs.h"
#include "engine/exec/sampler/sampler.h"
#include "engine/loop/stats_board.h"
#include "engine/loop/step_runner.h"

namespace nacelle::engine {
namespace {

constexpr std::uint32_t kVocab = 151936;

// A model that costs nothing: the logits stay as they are.
class NoModel final : public model::CausalLm {
 public:
  explicit NoModel(std::uint32_t vocab_size) { config_.vocab_size = vocab_size; }
  const model::ModelConfig& config() const override { return config_; }
  DType dtype() const override { return DType::kF32; }
  std::size_t weight_bytes() const override { return 0; }
  std::string weight_format() const override { return "none"; }
  std::size_t kv_bytes_per_block(std::uint32_t) const override { return 0; }
  Status allocate_kv(std::uint32_t, std::uint32_t) override { return {}; }
  void forward(const model::ForwardBatch&, std::span<float> logits) override {
    for (std::size_t i = 0; i < logits.size(); ++i) logits[i] = i % config_.vocab_size == 1 ? 1 : 0;
  }

 private:
  model::ModelConfig config_;
};

class NoSink final : public OutputSink {
 public:
  void on_output(SequenceOutput output) override { benchmark::DoNotOptimize(output); }
};

std::vector<TokenId> prompt(std::uint32_t size, TokenId first) {
  std::vector<TokenId> tokens(size);
  std::iota(tokens.begin(), tokens.end(), first);
  return tokens;
}

// plan_step() and append_token() for decodes of `sequences` running sequences.
void plan_decode_step(benchmark::State& state) {
  const auto sequences = static_cast<std::uint32_t>(state.range(0));
  const auto make = [&] {
    Scheduler scheduler(
        {.max_num_batched_tokens = 1u << 20, .max_num_seqs = sequences, .max_model_len = 1u << 20},
        KvCache({.num_blocks = 1 + sequences * 512, .block_size = 16},
                BlockHasher(HashAlgorithm::kSha256Cbor, "0")));
    for (std::uint32_t i = 0; i < sequences; ++i) {
      scheduler.add({.id = SequenceId{i}, .prompt = prompt(512 + i % 16, TokenId(i * 1000))});
    }
    return scheduler;
  };
  Scheduler scheduler = make();
  StepPlan plan;
  scheduler.plan_step(plan);
  for (std::uint32_t i = 0; i < sequences; ++i) scheduler.append_token(SequenceId{i}, 1);
  std::uint32_t steps = 0;
  for (auto _ : state) {
    scheduler.plan_step(plan);
    if (plan.chunks.size() != sequences) {
      state.SkipWithError("not all sequences run");
      break;
    }
    for (const ScheduledChunk& chunk : plan.chunks) {
      scheduler.append_token(chunk.slot, static_cast<TokenId>(steps % kVocab));
    }
    if (++steps == 7000) {
      state.PauseTiming();
      scheduler = make();
      (void)scheduler.plan_step();
      for (std::uint32_t i = 0; i < sequences; ++i) scheduler.append_token(SequenceId{i}, 1);
      steps = 0;
      state.ResumeTiming();
    }
  }
}
BENCHMARK(plan_decode_step)->Arg(32)->Arg(256)->Unit(benchmark::kMicrosecond);

// A whole step but for the model, whose forward pass and sampling cost (almost) nothing: plan,
// batch arrays, greedy sampling in a vocabulary of two, outputs, statistics. `at_once` is
// everything on one thread; `between_steps` only what cannot run beside the kernels: appending the
// tokens, stop checks and the launch of a step that was planned ahead.
enum class Part { kAll, kBetweenSteps };

void step_bookkeeping(benchmark::State& state, Part part) {
  EngineConfig config;
  config.max_num_seqs = static_cast<std::uint32_t>(state.range(0));
  config.num_blocks = 1 + config.max_num_seqs * 512;
  config.max_model_len = 8000;
  config.max_num_batched_tokens = 1u << 20;
  SteadyClock clock;
  const auto sink = std::make_shared<NoSink>();
  std::unique_ptr<StepRunner> runner;
  std::uint64_t id = 0;
  std::uint32_t steps_left = 0;
  const auto fill = [&] {
    runner = std::make_unique<StepRunner>(config, BlockHasher(HashAlgorithm::kSha256Cbor, "0"),
                                          std::make_unique<NoModel>(2), nullptr, clock);
    for (std::uint32_t i = 0; i < config.max_num_seqs; ++i) {
      Request request;
      request.prompt = prompt(512 + i % 16, static_cast<TokenId>(i * 1000));
      request.params.temperature = 0;
      request.params.max_tokens = 7000;
      runner->add(SequenceId{++id}, std::move(request), {}, sink, clock.now());
    }
    runner->step();
    steps_left = 6900;
  };
  fill();
  StatsBoard board(runner->read_stats());
  for (auto _ : state) {
    if (steps_left-- == 0) {
      state.PauseTiming();
      fill();
      state.ResumeTiming();
    }
    const auto begin = std::chrono::steady_clock::now();
    const bool started = runner->start_step();
    if (part == Part::kBetweenSteps) {
      const auto launched = std::chrono::steady_clock::now();
      runner->deliver();
      board.publish(runner->read_stats());
      runner->plan_ahead();
      runner->run_step();
      const auto done = std::chrono::steady_clock::now();
      runner->finish_step();
      const auto end = std::chrono::steady_clock::now();
      state.SetIterationTime(to_seconds(launched - begin + (end - done)));
    } else {
      runner->run_step();
      runner->finish_step();
      runner->deliver();
      board.publish(runner->read_stats());
      state.SetIterationTime(to_seconds(std::chrono::steady_clock::now() - begin));
    }
    if (!started || runner->read_stats().num_running != config.max_num_seqs) {
      state.SkipWithError("not all sequences run");
      break;
    }
  }
  state.counters["sequences"] = config.max_num_seqs;
  // Share of the bar, 100 us at 256 sequences.
  using Counter = benchmark::Counter;
  state.counters["share_of_100us"] =
      Counter(1e-4, Counter::kIsIterationInvariantRate | Counter::kInvert);
}
BENCHMARK_CAPTURE(step_bookkeeping, at_once, Part::kAll)
    ->Arg(32)
    ->Arg(256)
    ->Unit(benchmark::kMicrosecond)
    ->UseManualTime();
BENCHMARK_CAPTURE(step_bookkeeping, between_steps, Part::kBetweenSteps)
    ->Arg(32)
    ->Arg(256)
    ->Unit(benchmark::kMicrosecond)
    ->UseManualTime();

// Drafts for a sequence whose last tokens are nowhere else: the whole past is scanned.
void propose_ngram_without_a_match(benchmark::State& state) {
  const std::vector<TokenId> tokens = prompt(static_cast<std::uint32_t>(state.range(0)), 0);
  std::vector<TokenId> drafts;
  for (auto _ : state) {
    propose_ngram(tokens, {.num_speculative_tokens = 4}, drafts);
    benchmark::DoNotOptimize(drafts);
  }
}
BENCHMARK(propose_ngram_without_a_match)->Arg(1000)->Arg(32000);

// A row as language models give it when they are fairly sure: few tokens hold most of the weight.
std::vector<float> peaked_row(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> bulk(0, 2.0f);
  std::vector<float> row(kVocab);
  for (float& x : row) x = bulk(random);
  for (int i = 0; i < 50; ++i) row[random() % kVocab] = 14 + 0.2f * static_cast<float>(i);
  return row;
}

// The worst case: thousands of tokens are about as likely as the best.
std::vector<float> flat_row(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> bulk(0, 2.5f);
  std::vector<float> row(kVocab);
  for (float& x : row) x = bulk(random);
  for (int i = 0; i < 50; ++i) row[random() % kVocab] += 10;
  return row;
}

enum class Row { kPeaked, kFlat, kEqual };

void sample_rows(benchmark::State& state, const SamplingParams& params, Row kind = Row::kPeaked) {
  const std::vector<TokenId> some_prompt = prompt(512, 0);
  SamplingState sequence(params, 1, 7, some_prompt, 0);
  for (TokenId i = 0; i < 100; ++i) sequence.append_output(i * 3);
  std::vector<float> row = kind == Row::kEqual  ? std::vector<float>(kVocab, 1.0f)
                           : kind == Row::kFlat ? flat_row(1)
                                                : peaked_row(1);
  Sampler sampler;
  for (auto _ : state) benchmark::DoNotOptimize(sampler.sample(row, sequence));
}

SamplingParams with(float temperature, std::int32_t top_k, float top_p, float min_p) {
  SamplingParams params;
  params.temperature = temperature;
  params.top_k = top_k;
  params.top_p = top_p;
  params.min_p = min_p;
  return params;
}
SamplingParams with_penalties() {
  SamplingParams params = with(0.7f, 20, 0.8f, 0);
  params.repetition_penalty = 1.0001f;  // the row is used again and again
  return params;
}
SamplingParams with_logprobs(std::int32_t k) {
  SamplingParams params = with(0, 0, 1, 0);
  params.logprobs = k;
  return params;
}

BENCHMARK_CAPTURE(sample_rows, greedy, with(0, 0, 1, 0))->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(sample_rows, whole_vocabulary, with(1, 0, 1, 0))->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(sample_rows, top_k_20_top_p, with(0.7f, 20, 0.8f, 0))
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(sample_rows, top_p_095, with(1, 0, 0.95f, 0))->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(sample_rows, flat_top_p_095, with(1, 0, 0.95f, 0), Row::kFlat)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(sample_rows, flat_hot_top_p, with(2, 0, 0.95f, 0), Row::kFlat)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(sample_rows, flat_top_k_50000, with(1, 50000, 0.95f, 0), Row::kFlat)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(sample_rows, equal_top_p, with(1, 0, 0.5f, 0), Row::kEqual)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(sample_rows, min_p_005, with(1, 0, 1, 0.05f))->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(sample_rows, penalties, with_penalties())->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(sample_rows, greedy_5_logprobs, with_logprobs(5))->Unit(benchmark::kMicrosecond);

void hash_blocks(benchmark::State& state, HashAlgorithm algorithm) {
  BlockHasher hasher(algorithm, "0");
  const std::vector<TokenId> tokens = prompt(16, 100000);
  BlockHash hash = hasher.root();
  for (auto _ : state) hash = hasher.hash(hash, tokens, {});
  benchmark::DoNotOptimize(hash);
  state.counters["tokens/s"] = benchmark::Counter(16.0 * static_cast<double>(state.iterations()),
                                                  benchmark::Counter::kIsRate);
}
BENCHMARK_CAPTURE(hash_blocks, sha256, HashAlgorithm::kSha256);
BENCHMARK_CAPTURE(hash_blocks, sha256_cbor, HashAlgorithm::kSha256Cbor);
BENCHMARK_CAPTURE(hash_blocks, xxhash, HashAlgorithm::kXxhash);
BENCHMARK_CAPTURE(hash_blocks, xxhash_cbor, HashAlgorithm::kXxhashCbor);

// Looking up an 8,000 token prompt whose blocks are all cached and hashed.
void find_cached_prefix(benchmark::State& state) {
  KvCache cache({.num_blocks = 2000, .block_size = 16},
                BlockHasher(HashAlgorithm::kSha256Cbor, "0"));
  Sequence sequence;
  sequence.tokens = prompt(8001, 0);
  sequence.num_prompt_tokens = 8001;
  if (!cache.allocate(sequence, {}, 8001)) state.SkipWithError("does not fit");
  std::vector<BlockId> hit;
  for (auto _ : state) cache.find_prefix(sequence, hit);
  state.counters["blocks"] = static_cast<double>(hit.size());
}
BENCHMARK(find_cached_prefix)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace nacelle::engine
