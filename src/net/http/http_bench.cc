// Server and client of one process over loopback, each on its own loop.
#include <benchmark/benchmark.h>

#include <memory>

#include "async/task_scope.h"
#include "net/http/client.h"
#include "net/http/server.h"

namespace nacelle::net::http {
namespace {

async::Task<void> hello(ServerExchange& exchange) {
  ResponseHead head;
  head.headers.add("content-type", "text/plain");
  (void)co_await exchange.respond(head, "hello, world\n");
}

// Streams as many events as the request's x-events field says.
async::Task<void> stream_events(ServerExchange& exchange) {
  const ResponseHead head;
  (void)co_await exchange.start(head);
  const int events = std::stoi(std::string(exchange.request().headers.get("x-events", "1")));
  const std::string event = "data: " + std::string(150, 'x') + "\n\n";
  for (int i = 0; i < events; ++i) (void)co_await exchange.write(event);
  (void)co_await exchange.finish();
}

async::Task<void> run_requests(HttpClient* client, HostPort address, std::int64_t requests,
                               int events) {
  RequestHead head;
  if (events > 0) head.headers.add("x-events", std::to_string(events));
  for (std::int64_t i = 0; i < requests; ++i) {
    ClientExchange exchange(*client);
    const Status sent = co_await exchange.send(address, head);
    if (!sent.ok()) co_return;
    for (;;) {
      const Result<std::string_view> piece = co_await exchange.read_chunk();
      if (!piece.ok() || piece->empty()) break;
    }
  }
}

async::Task<void> run_load(HostPort address, std::int64_t connections, std::int64_t requests,
                           int events) {
  async::Loop& loop = *async::Loop::current();
  HttpClient client(loop);
  async::StopScope scope(loop);
  for (std::int64_t i = 0; i < connections; ++i) {
    scope.spawn(run_requests(&client, address, requests, events));
  }
  co_await scope.join();
}

void load(benchmark::State& state, Handler handler, int events) {
  async::Runtime servers(1), clients(1);
  servers.start();
  clients.start();
  HttpServerConfig config;
  config.address = {"127.0.0.1", 0};
  auto server = HttpServer::bind(servers, config, std::move(handler));
  (void)(*server)->listen();
  const HostPort address{"127.0.0.1", (*server)->port()};
  const std::int64_t connections = state.range(0);
  const std::int64_t requests = events > 0 ? 20 : 20000 / connections;
  for (auto _ : state) {
    async::run_blocking(clients.loop(0), run_load(address, connections, requests, events));
  }
  const std::int64_t total = state.iterations() * connections * requests;
  state.SetItemsProcessed(total * std::max(events, 1));
  const TimePoint soon = std::chrono::steady_clock::now() + 1s;
  (void)async::run_blocking(servers.loop(0), (*server)->drain(soon));
}

void Requests(benchmark::State& state) { load(state, hello, 0); }
BENCHMARK(Requests)->Arg(1)->Arg(32)->UseRealTime()->Unit(benchmark::kMillisecond);

// Items are events.
void StreamedEvents(benchmark::State& state) { load(state, stream_events, 200); }
BENCHMARK(StreamedEvents)->Arg(1)->Arg(16)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace nacelle::net::http
