// Cost per token between the engine's output and the bytes of a chunk.
#include <benchmark/benchmark.h>

#include "openai/chat_chunk.h"
#include "serve/output/sequence_reader.h"

namespace nacelle::serve {
namespace {

engine::SequenceOutput one_token() {
  engine::SequenceOutput out;
  out.tokens = {7};
  return out;
}

// The argument is the number of stop strings.
void token_to_chunk(benchmark::State& state) {
  std::vector<std::string> stops;
  for (std::int64_t i = 0; i < state.range(0); ++i) stops.push_back(fmt::format("\n\nStop {}:", i));
  const openai::ChatChunkWriter writer({.id = "chatcmpl-0123456789abcdef0123456789abcdef",
                                        .created = 1700000000,
                                        .model = "demo",
                                        .system_fingerprint = std::nullopt});
  std::optional<SequenceReader> reader;
  std::string out;
  for (auto _ : state) {
    if (!reader || reader->num_tokens() == 1000) {
      reader.emplace(StopPolicy{.stop_strings = stops},
                     [](TokenId) { return std::string(" word"); });
    }
    reader->add(one_token());
    OutputDelta delta = reader->take();
    out.clear();
    writer.append_delta(out, {.index = 0, .content = std::move(delta.text)}, nullptr, false);
    benchmark::DoNotOptimize(out);
  }
}
BENCHMARK(token_to_chunk)->Arg(0)->Arg(4);

}  // namespace
}  // namespace nacelle::serve
