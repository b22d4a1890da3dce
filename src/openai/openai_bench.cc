// Cost of the dialect on the request path: reading a chat body of about 1 KB, writing one chunk.
#include <benchmark/benchmark.h>

#include "openai/chat_chunk.h"
#include "openai/chat_request.h"
#include "openai/chat_response.h"

namespace nacelle::openai {
namespace {

std::string chat_body() {
  std::string text(360, 'x');
  return R"({"model":"demo","stream":true,"stream_options":{"include_usage":true},"temperature":0.7,)"
         R"("max_tokens":256,"messages":[{"role":"system","content":")" +
         text + R"("},{"role":"user","content":")" + text + R"(\n)" +
         R"("},{"role":"assistant","content":"Yes."},{"role":"user","content":"Go on."}]})";
}

void parse_chat_body(benchmark::State& state) {
  const std::string body = chat_body();
  for (auto _ : state) {
    auto request = parse_chat_request(body, {}, {});
    benchmark::DoNotOptimize(request);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * body.size()));
}
BENCHMARK(parse_chat_body);

void write_chat_chunk(benchmark::State& state) {
  const ChatChunkWriter writer({.id = "chatcmpl-0123456789abcdef0123456789abcdef",
                                .created = 1700000000,
                                .model = "demo",
                                .system_fingerprint = std::nullopt});
  const ChatDelta delta{.index = 0, .content = " token"};
  std::string out;
  for (auto _ : state) {
    out.clear();
    writer.append_delta(out, delta, nullptr, false);
    benchmark::DoNotOptimize(out);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * out.size()));
}
BENCHMARK(write_chat_chunk);

void write_chat_response(benchmark::State& state) {
  ChatResponse response{.head = {.id = "chatcmpl-1", .created = 1, .model = "demo"}};
  response.choices.push_back(
      {.index = 0, .message = {.content = std::string(1024, 'y')}, .finish_reason = "stop"});
  for (auto _ : state) benchmark::DoNotOptimize(to_json(response));
}
BENCHMARK(write_chat_response);

}  // namespace
}  // namespace nacelle::openai
