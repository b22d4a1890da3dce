// HTTP/2 beside HTTP/1.1: the same requests, server and client of one process over loopback, each
// on its own loop, the protocols in turn so that both see the same machine.
//
// `ratio` is HTTP/2's time over HTTP/1.1's. HTTP/2 carries all requests of a run on one connection.
#include <benchmark/benchmark.h>

#include "async/task_scope.h"
#include "net/http/client.h"
#include "net/http/server.h"

namespace nacelle::net::http {
namespace {

async::Task<void> answer(ServerExchange& exchange) {
  ResponseHead head;
  const int events = std::stoi(std::string(exchange.request().headers.get("x-events", "0")));
  if (events == 0) {
    head.headers.add("content-type", "text/plain");
    (void)co_await exchange.respond(head, "hello, world\n");
    co_return;
  }
  (void)co_await exchange.start(head);
  const std::string event = "data: " + std::string(150, 'x') + "\n\n";
  for (int i = 0; i < events; ++i) (void)co_await exchange.write(event);
  (void)co_await exchange.finish();
}

async::Task<void> run_requests(HttpClient* client, HostPort address, std::int64_t requests,
                               int events, Protocol protocol) {
  RequestHead head;
  head.headers.add("x-events", std::to_string(events));
  ClientOptions options;
  options.protocol = protocol;
  for (std::int64_t i = 0; i < requests; ++i) {
    ClientExchange exchange(*client);
    const Status sent = co_await exchange.send(address, head, {}, options);
    if (!sent.ok()) co_return;
    for (;;) {
      const Result<std::string_view> piece = co_await exchange.read_chunk();
      if (!piece.ok() || piece->empty()) break;
    }
  }
}

async::Task<double> run_load(HttpClient* client, HostPort address, std::int64_t callers,
                             std::int64_t requests, int events, Protocol protocol) {
  async::StopScope scope(*async::Loop::current());
  const TimePoint start = std::chrono::steady_clock::now();
  for (std::int64_t i = 0; i < callers; ++i) {
    scope.spawn(run_requests(client, address, requests, events, protocol));
  }
  co_await scope.join();
  co_return to_seconds(std::chrono::steady_clock::now() - start);
}

async::Task<void> compare(HostPort address, std::int64_t callers, std::int64_t requests, int events,
                          double* times) {
  HttpClient client(*async::Loop::current());
  for (int round = 0; round < 4; ++round) {
    times[0] += co_await run_load(&client, address, callers, requests, events, Protocol::kHttp1);
    times[1] += co_await run_load(&client, address, callers, requests, events, Protocol::kHttp2);
  }
}

void load(benchmark::State& state, int events) {
  async::Runtime servers(1), clients(1);
  servers.start();
  clients.start();
  HttpServerConfig config;
  config.address = {"127.0.0.1", 0};
  auto server = *HttpServer::bind(servers, config, answer);
  (void)server->listen();
  const HostPort address{"127.0.0.1", server->port()};
  const std::int64_t callers = state.range(0);
  const std::int64_t requests = events > 0 ? 20 : 8000 / callers;
  double times[2] = {};
  for (auto _ : state) {
    async::run_blocking(clients.loop(0), compare(address, callers, requests, events, times));
  }
  const double items = static_cast<double>(state.iterations()) * 4 *
                       static_cast<double>(callers * requests * std::max(events, 1));
  state.counters["http1_per_s"] = items / times[0];
  state.counters["http2_per_s"] = items / times[1];
  state.counters["ratio"] = times[1] / times[0];
  const TimePoint soon = std::chrono::steady_clock::now() + 1s;
  (void)async::run_blocking(servers.loop(0), server->drain(soon));
}

void Http2AgainstHttp1Requests(benchmark::State& state) { load(state, 0); }
BENCHMARK(Http2AgainstHttp1Requests)->Arg(1)->Arg(32)->UseRealTime()->Unit(benchmark::kMillisecond);

// Items are events of about 160 bytes.
void Http2AgainstHttp1Events(benchmark::State& state) { load(state, 200); }
BENCHMARK(Http2AgainstHttp1Events)->Arg(1)->Arg(16)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace nacelle::net::http
