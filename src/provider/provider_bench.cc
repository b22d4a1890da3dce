// Cost of reading usage on the side of a stream, against copying the same bytes and finding its
// line ends: what passing it on costs at least.
#include <benchmark/benchmark.h>

#include <cstring>

#include "provider/translator.h"
#include "provider/usage_meter.h"

namespace nacelle::provider {
namespace {

std::string stream() {
  std::string out;
  for (int i = 0; i < 200; ++i) {
    out +=
        "data: {\"id\":\"chatcmpl-0123456789abcdef\",\"object\":\"chat.completion.chunk\","
        "\"created\":1700000000,\"model\":\"demo\",\"choices\":[{\"index\":0,\"delta\":{"
        "\"content\":\" token\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n";
  }
  return out +
         "data: {\"model\":\"demo\",\"choices\":[],\"usage\":{\"prompt_tokens\":10,"
         "\"completion_tokens\":200,\"total_tokens\":210}}\n\ndata: [DONE]\n\n";
}

// In pieces of one event, as they arrive.
template <class Use>
void for_each_event(const std::string& text, Use use) {
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = rest.find("\n\n");
    use(rest.substr(0, end + 2));
    rest.remove_prefix(end + 2);
  }
}

std::vector<std::string> events() {
  std::vector<std::string> out;
  for_each_event(stream(), [&](std::string_view event) { out.emplace_back(event); });
  return out;
}

void set_rate(benchmark::State& state, const std::vector<std::string>& pieces) {
  std::size_t bytes = 0;
  for (const std::string& piece : pieces) bytes += piece.size();
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes));
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * pieces.size()));
}

void limit_memcpy_and_memchr(benchmark::State& state) {
  const auto pieces = events();
  std::string target(1 << 16, ' ');
  for (auto _ : state) {
    for (const std::string& piece : pieces) {
      std::memcpy(target.data(), piece.data(), piece.size());
      benchmark::DoNotOptimize(std::memchr(target.data(), '\n', piece.size()));
    }
  }
  set_rate(state, pieces);
}
BENCHMARK(limit_memcpy_and_memchr);

void usage_meter(benchmark::State& state) {
  const auto pieces = events();
  for (auto _ : state) {
    UsageMeter meter(AnswerForm::kStream);
    for (const std::string& piece : pieces) meter.feed(piece);
    benchmark::DoNotOptimize(meter.usage());
  }
  set_rate(state, pieces);
}
BENCHMARK(usage_meter);

void pass_through_stream(benchmark::State& state) {
  const auto pieces = events();
  const Backend backend;
  std::string out;
  for (auto _ : state) {
    auto translator = make_translator(Endpoint::kChatCompletions, backend, {});
    (void)(*translator)->response_head({.content_type = "text/event-stream"});
    for (const std::string& piece : pieces) {
      out.clear();
      (void)(*translator)->chunk(piece, out);
    }
  }
  set_rate(state, pieces);
}
BENCHMARK(pass_through_stream);

void pass_through_request(benchmark::State& state) {
  const std::string text(static_cast<std::size_t>(state.range(0)), 'x');
  const std::string body =
      R"({"messages":[{"role":"user","content":")" + text + R"("}],"model":"demo","stream":true})";
  const Backend backend{.model_override = "other"};
  for (auto _ : state) {
    auto translator = make_translator(Endpoint::kChatCompletions, backend, {});
    benchmark::DoNotOptimize((*translator)->request(body));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * body.size()));
}
BENCHMARK(pass_through_request)->Arg(1 << 10)->Arg(220 << 10);

void messages_from_chat_stream(benchmark::State& state) {
  const auto pieces = events();
  std::string out;
  for (auto _ : state) {
    auto translator = make_translator(Endpoint::kMessages, {}, {});
    (void)(*translator)
        ->request(R"({"model":"m","stream":true,"messages":[{"role":"user","content":"x"}]})");
    (void)(*translator)->response_head({.content_type = "text/event-stream"});
    for (const std::string& piece : pieces) {
      out.clear();
      (void)(*translator)->chunk(piece, out);
    }
  }
  set_rate(state, pieces);
}
BENCHMARK(messages_from_chat_stream);

}  // namespace
}  // namespace nacelle::provider
