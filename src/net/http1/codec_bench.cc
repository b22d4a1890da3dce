// Cost of one head or body piece; items per second are messages.
#include <benchmark/benchmark.h>

#include <string>

#include "net/http1/chunked.h"
#include "net/http1/head_parser.h"
#include "net/http1/serialize.h"
#include "net/sse/event_parser.h"

namespace nacelle::net::http1 {
namespace {

const std::string kRequest =
    "POST /v1/chat/completions HTTP/1.1\r\nHost: gateway.example:8080\r\n"
    "Accept: text/event-stream\r\nAccept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n"
    "Authorization: Bearer sk-0123456789abcdef0123456789abcdef\r\n"
    "Content-Type: application/json\r\nUser-Agent: OpenAI/Python 1.99.0\r\n"
    "X-Stainless-Lang: python\r\nX-Stainless-OS: Linux\r\nX-Request-Id: 7f3a9c\r\n"
    "Content-Length: 512\r\n\r\n";

void ParseRequestHead(benchmark::State& state) {
  http::RequestHead head;
  ParsedRequest parsed;
  parsed.head = &head;
  const HeadLimits limits;
  for (auto _ : state) {
    ScanState scan;
    benchmark::DoNotOptimize(parse_request_head(kRequest, limits, scan, parsed));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ParseRequestHead);

void SerializeRequestHead(benchmark::State& state) {
  http::RequestHead head;
  ParsedRequest parsed;
  parsed.head = &head;
  ScanState scan;
  (void)parse_request_head(kRequest, HeadLimits{}, scan, parsed);
  std::string out;
  for (auto _ : state) {
    out.clear();
    benchmark::DoNotOptimize(append_request_head(out, head, "10.0.0.1:8000", 512).ok());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(SerializeRequestHead);

void DecodeChunk(benchmark::State& state) {
  const std::string data(200, 'x');
  std::string wire;
  wire.append(ChunkPrefix(data.size()).view()).append(data).append(kChunkSuffix);
  ChunkedDecoder decoder;
  for (auto _ : state) {
    std::string_view rest = wire;
    while (!rest.empty()) rest.remove_prefix(decoder.next(rest).consumed);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(DecodeChunk);

void ParseSseEvent(benchmark::State& state) {
  const std::string event =
      "data: {\"id\":\"chatcmpl-1\",\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
  sse::SseParser parser;
  for (auto _ : state) {
    parser.feed(event);
    while (auto got = parser.next()) benchmark::DoNotOptimize(got->data.size());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ParseSseEvent);

}  // namespace
}  // namespace nacelle::net::http1
