// Bytes a second of encode and decode on one thread, for each family of tests/testdata/tokenizer.
//
// Texts are made here, the same on every machine: prose with 30,000 different words whose
// frequencies fall as 1/rank, code with identifiers and indentation, the mixed corpus of the
// goldens and the hostile runs of one character. tools/goldens/tokenizer_speed.py measures the
// reference library on the same texts.
#include <benchmark/benchmark.h>

#include <cmath>
#include <filesystem>

#include "base/file.h"
#include "tokenizer/testing/bench_text.h"
#include "tokenizer/testing/golden_stream.h"
#include "tokenizer/tokenizer.h"

namespace nacelle::tokenizer {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(NACELLE_TESTDATA) / "tokenizer";

std::shared_ptr<const Tokenizer> load(const char* family) {
  const auto json = read_file(kFolder / (std::string(family) + ".json"));
  if (!json.ok()) return nullptr;
  auto loaded = Tokenizer::from_json(*json);
  return loaded.ok() ? *loaded : nullptr;
}

const std::string& text_of(const std::string& kind) {
  static std::map<std::string, std::string> texts;
  std::string& text = texts[kind];
  if (!text.empty()) return text;
  constexpr std::size_t kBytes = 1 << 20;
  if (kind == "prose") text = bench_prose(kBytes);
  if (kind == "code") text = bench_code(kBytes);
  if (kind == "mixed") {
    const auto corpus = read_file(kFolder / "corpus.txt");
    GoldenStream stream(corpus.ok() ? *corpus : "", 7);
    while (text.size() < kBytes) text += stream.chunk();
  }
  if (kind == "letter") text.assign(kBytes, 'a');
  if (kind == "spaces") text.assign(kBytes, ' ');
  return text;
}

void encode(benchmark::State& state, const char* family, const char* kind) {
  const auto tokenizer = load(family);
  if (tokenizer == nullptr) return state.SkipWithError("no such family");
  const std::string& text = text_of(kind);
  std::size_t tokens = 0;
  for (auto _ : state) {
    const auto ids = tokenizer->encode(text);
    tokens = ids.size();
    benchmark::DoNotOptimize(ids.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
  state.counters["bytes_per_token"] =
      static_cast<double>(text.size()) / static_cast<double>(tokens);
}

void decode(benchmark::State& state, const char* family) {
  const auto tokenizer = load(family);
  if (tokenizer == nullptr) return state.SkipWithError("no such family");
  const auto ids = tokenizer->encode(text_of("mixed"));
  for (auto _ : state) benchmark::DoNotOptimize(tokenizer->decode(ids));
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * ids.size()));
}

const int kRegistered = [] {
  for (const char* family : {"gpt2", "llama3", "qwen2", "gpt_oss", "tekken", "deepseek", "roberta",
                             "llama2", "mistral", "gemma", "t5", "xlmr", "bert", "clip"}) {
    for (const char* kind : {"prose", "code", "mixed", "letter", "spaces"}) {
      benchmark::RegisterBenchmark(fmt::format("encode/{}/{}", family, kind).c_str(),
                                   [=](benchmark::State& state) { encode(state, family, kind); })
          ->Unit(benchmark::kMillisecond);
    }
  }
  for (const char* family : {"gpt2", "llama2", "bert"}) {
    benchmark::RegisterBenchmark(fmt::format("decode/{}", family).c_str(),
                                 [=](benchmark::State& state) { decode(state, family); })
        ->Unit(benchmark::kMillisecond);
  }
  return 0;
}();

}  // namespace
}  // namespace nacelle::tokenizer
