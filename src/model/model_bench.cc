// Loading and running a model of the shape of Qwen3-0.6B with made-up weights in bf16.
//
// model_bench prints seconds; `tokens_per_second` counts prompt tokens (prefill) or steps times
// sequences (decode). Compare with `bytes_read_per_second`: decode of one sequence reads every
// weight.
#include <benchmark/benchmark.h>

#include "kernels/worker_pool.h"
#include "model/testing/safetensors_writer.h"
#include "model/testing/tiny_model.h"

namespace nacelle::model {
namespace {

constexpr const char* kQwen3Small = R"({
  "architectures": ["Qwen3ForCausalLM"], "hidden_size": 1024, "intermediate_size": 3072,
  "num_hidden_layers": 28, "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128,
  "vocab_size": 151936, "max_position_embeddings": 40960, "rope_theta": 1000000,
  "tie_word_embeddings": true, "dtype": "bfloat16"})";

kernels::WorkerPool& pool() {
  static kernels::WorkerPool pool(kernels::threads_for_this_process());
  return pool;
}

std::unique_ptr<CausalLm> load() {
  const testing::TemporaryFolder folder;
  folder.write("config.json", kQwen3Small);
  LoadOptions options;
  options.format = LoadFormat::kDummy;
  auto model = CausalLm::load(folder.path(), options, pool());
  CHECK(model.ok());
  return std::move(*model);
}

void BM_LoadDummy(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(load());
}
BENCHMARK(BM_LoadDummy)->Unit(benchmark::kSecond)->Iterations(2)->UseRealTime();

// The same shape as a file in the page cache. Its data is a hole: zeros that cost no disk.
void BM_LoadFile(benchmark::State& state) {
  const ModelConfig config = *ModelConfig::parse(kQwen3Small);
  const std::size_t hidden = config.hidden_size, inner = config.intermediate_size;
  const std::size_t q = std::size_t{config.num_heads} * config.head_dim;
  const std::size_t kv = std::size_t{config.num_kv_heads} * config.head_dim;
  std::string header;
  std::size_t size = 0;
  const auto add = [&](const std::string& name, std::size_t rows, std::size_t columns) {
    const std::size_t bytes = rows * std::max<std::size_t>(columns, 1) * 2;
    const std::string shape =
        columns == 0 ? fmt::format("{}", rows) : fmt::format("{},{}", rows, columns);
    header += fmt::format(R"({}"{}.weight":{{"dtype":"BF16","shape":[{}],"data_offsets":[{},{}]}})",
                          header.empty() ? "{" : ",", name, shape, size, size + bytes);
    size += bytes;
  };
  add("model.embed_tokens", config.vocab_size, hidden);
  for (std::uint32_t i = 0; i < config.num_layers; ++i) {
    const std::string layer = fmt::format("model.layers.{}.", i);
    add(layer + "input_layernorm", hidden, 0);
    add(layer + "post_attention_layernorm", hidden, 0);
    add(layer + "self_attn.q_norm", config.head_dim, 0);
    add(layer + "self_attn.k_norm", config.head_dim, 0);
    add(layer + "self_attn.q_proj", q, hidden);
    add(layer + "self_attn.k_proj", kv, hidden);
    add(layer + "self_attn.v_proj", kv, hidden);
    add(layer + "self_attn.o_proj", hidden, q);
    add(layer + "mlp.gate_proj", inner, hidden);
    add(layer + "mlp.up_proj", inner, hidden);
    add(layer + "mlp.down_proj", hidden, inner);
  }
  add("model.norm", hidden, 0);
  header += "}";
  while (header.size() % 8 != 0) header += ' ';
  const testing::TemporaryFolder folder;
  folder.write("config.json", kQwen3Small);
  folder.write("model.safetensors", testing::safetensors_file(header, ""));
  std::filesystem::resize_file(folder.path() / "model.safetensors", 8 + header.size() + size);
  for (auto _ : state) {
    auto model = CausalLm::load(folder.path(), {}, pool());
    CHECK(model.ok());
    benchmark::DoNotOptimize(model);
  }
}
BENCHMARK(BM_LoadFile)->Unit(benchmark::kSecond)->Iterations(3)->UseRealTime();

void BM_Prefill(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  const auto model = load();
  std::vector<std::uint32_t> table(count / 16);
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<std::uint32_t>(i);
  CHECK(model->allocate_kv(static_cast<std::uint32_t>(table.size()), 16).ok());
  const std::vector<TokenId> tokens(count, 77);
  const SequenceChunk chunk{.num_tokens = static_cast<std::uint32_t>(count), .block_table = table};
  const std::vector<std::uint32_t> rows = {static_cast<std::uint32_t>(count - 1)};
  std::vector<float> logits(model->config().vocab_size);
  for (auto _ : state) {
    model->forward({.tokens = tokens, .chunks = std::span(&chunk, 1), .logit_rows = rows}, logits);
  }
  state.counters["tokens_per_second"] =
      benchmark::Counter(static_cast<double>(count), benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(BM_Prefill)->Arg(512)->Unit(benchmark::kMillisecond)->UseRealTime();

void BM_Decode(benchmark::State& state) {
  const auto sequences = static_cast<std::uint32_t>(state.range(0));
  constexpr std::uint32_t kContext = 256;
  const auto model = load();
  CHECK(model->allocate_kv(sequences * kContext / 16, 16).ok());
  std::vector<std::vector<std::uint32_t>> tables(sequences);
  std::vector<SequenceChunk> chunks;
  std::vector<std::uint32_t> rows;
  for (std::uint32_t i = 0; i < sequences; ++i) {
    for (std::uint32_t b = 0; b < kContext / 16; ++b) tables[i].push_back(i * kContext / 16 + b);
    chunks.push_back({.first_row = i,
                      .num_tokens = 1,
                      .first_position = kContext - 1,
                      .block_table = tables[i]});
    rows.push_back(i);
  }
  const std::vector<TokenId> tokens(sequences, 77);
  std::vector<float> logits(std::size_t{sequences} * model->config().vocab_size);
  for (auto _ : state) {
    model->forward({.tokens = tokens, .chunks = chunks, .logit_rows = rows}, logits);
  }
  state.counters["tokens_per_second"] =
      benchmark::Counter(sequences, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["bytes_read_per_second"] = benchmark::Counter(
      static_cast<double>(model->config().num_parameters() * 2),
      benchmark::Counter::kIsIterationInvariantRate, benchmark::Counter::kIs1024);
}
BENCHMARK(BM_Decode)->Arg(1)->Arg(32)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace nacelle::model
