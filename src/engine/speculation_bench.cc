// When speculation by n-grams pays: the demo model, with and without drafts, where its text repeats
// itself and where it does not.
//
// `tokens_per_second` is of all sequences; compare drafts:0 with the others of the same text and
// number of sequences. `accepted` is the share of drafts that were right.
#include <benchmark/benchmark.h>

#include <random>

#include "engine/loop/step_runner.h"
#include "kernels/worker_pool.h"
#include "model/causal_lm.h"

namespace nacelle::engine {
namespace {

class NoSink final : public OutputSink {
 public:
  void on_output(SequenceOutput output) override { benchmark::DoNotOptimize(output); }
};

enum Text { kRepetitive, kRandom };

// Repetitive: a passage of the prompt comes four times. Random: no two tokens follow each other
// twice, and sampling is hot.
Request request_of(Text text, std::uint32_t vocab_size, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Request request;
  const auto token = [&] { return static_cast<TokenId>(10 + random() % (vocab_size - 10)); };
  std::vector<TokenId> passage(32);
  for (TokenId& id : passage) id = token();
  for (int i = 0; i < 4; ++i) {
    if (text == kRandom) {
      for (TokenId& id : passage) id = token();
    }
    request.prompt.insert(request.prompt.end(), passage.begin(), passage.end());
  }
  request.params.max_tokens = 128;
  request.params.ignore_eos = true;
  request.params.temperature = text == kRepetitive ? 0.0f : 1.5f;
  request.params.seed = static_cast<std::int64_t>(seed);
  return request;
}

void speculation(benchmark::State& state) {
  const Text text = state.range(0) == 0 ? kRepetitive : kRandom;
  const auto drafts = static_cast<std::uint32_t>(state.range(1));
  const auto sequences = static_cast<std::uint32_t>(state.range(2));
  kernels::WorkerPool pool(kernels::threads_for_this_process());
  auto model = model::CausalLm::load(NACELLE_SOURCE_DIR "/models/demo", {}, pool);
  if (!model.ok()) return state.SkipWithError(model.error().to_string().c_str());
  EngineConfig config;
  config.max_model_len = 256;
  config.num_blocks = 1 + 16 * sequences;
  config.enable_prefix_caching = false;
  config.speculative = {
      .num_speculative_tokens = drafts, .prompt_lookup_min = 2, .prompt_lookup_max = 4};
  const std::uint32_t vocab_size = (*model)->config().vocab_size;
  if (!(*model)->allocate_kv(config.num_blocks, config.block_size).ok()) {
    return state.SkipWithError("no memory for the KV cache");
  }
  SteadyClock clock;
  StepRunner runner(config, BlockHasher(HashAlgorithm::kXxhashCbor, "0"), std::move(*model), &pool,
                    clock);
  std::uint64_t id = 0;
  for (auto _ : state) {
    for (std::uint32_t i = 0; i < sequences; ++i) {
      ++id;
      runner.add(SequenceId{id}, request_of(text, vocab_size, i), {}, std::make_shared<NoSink>(),
                 clock.now());
    }
    while (!runner.idle()) runner.step();
  }
  const Stats& stats = runner.read_stats();
  state.counters["tokens_per_second"] =
      benchmark::Counter(static_cast<double>(stats.generation_tokens), benchmark::Counter::kIsRate);
  state.counters["steps_per_token"] = static_cast<double>(stats.num_steps) * sequences /
                                      static_cast<double>(stats.generation_tokens);
  if (stats.num_draft_tokens > 0) {
    state.counters["accepted"] = static_cast<double>(stats.num_accepted_tokens) /
                                 static_cast<double>(stats.num_draft_tokens);
  }
}
BENCHMARK(speculation)
    ->ArgNames({"random", "drafts", "sequences"})
    ->ArgsProduct({{0, 1}, {0, 2, 4, 8}, {1, 16}})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace nacelle::engine
