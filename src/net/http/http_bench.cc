// Server and client of one process over loopback, each on its own loop.
#include <benchmark/benchmark.h>

#include <memory>

#include "async/task_scope.h"
#include "net/http/client.h"
#include "net/http/server.h"
#include "net/tls/client_context.h"
#include "net/tls/make_certificate.h"

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

using Tls = std::shared_ptr<const TlsClientContext>;

async::Task<void> run_requests(HttpClient* client, HostPort address, std::int64_t requests,
                               int events, Tls tls) {
  RequestHead head;
  if (events > 0) head.headers.add("x-events", std::to_string(events));
  ClientOptions options;
  options.tls = std::move(tls);
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

async::Task<void> run_load(HttpClient* client, HostPort address, std::int64_t connections,
                           std::int64_t requests, int events, Tls tls) {
  async::StopScope scope(*async::Loop::current());
  for (std::int64_t i = 0; i < connections; ++i) {
    scope.spawn(run_requests(client, address, requests, events, tls));
  }
  co_await scope.join();
}

async::Task<void> run_load_once(HostPort address, std::int64_t connections, std::int64_t requests,
                                int events) {
  HttpClient client(*async::Loop::current());
  co_await run_load(&client, address, connections, requests, events, nullptr);
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
    async::run_blocking(clients.loop(0), run_load_once(address, connections, requests, events));
  }
  const std::int64_t total = state.iterations() * connections * requests;
  state.SetItemsProcessed(total * std::max(events, 1));
  const TimePoint soon = std::chrono::steady_clock::now() + 1s;
  (void)async::run_blocking(servers.loop(0), (*server)->drain(soon));
}

// Plain and TLS 1.3 in turn on connections that stay open, so that both see the same machine.
// added_us and ratio are what TLS costs a request on this loopback, client and server together;
// handshake_us is a new connection with a full handshake and one request, over a plain one.
async::Task<void> compare(HostPort plain, HostPort secure, Tls tls, std::int64_t connections,
                          std::int64_t requests, double* times) {
  HttpClient client(*async::Loop::current());
  const auto now = [] { return std::chrono::steady_clock::now(); };
  for (int round = 0; round < 4; ++round) {
    const TimePoint start = now();
    co_await run_load(&client, plain, connections, requests, 0, nullptr);
    const TimePoint middle = now();
    co_await run_load(&client, secure, connections, requests, 0, tls);
    times[0] += to_seconds(middle - start);
    times[1] += to_seconds(now() - middle);
  }
  for (int i = 0; i < 200; ++i) {
    client.forget(plain);
    client.forget(secure);
    const TimePoint start = now();
    co_await run_load(&client, plain, 1, 1, 0, nullptr);
    const TimePoint middle = now();
    co_await run_load(&client, secure, 1, 1, 0, tls);
    times[2] += to_seconds(now() - middle) - to_seconds(middle - start);
  }
}

void TlsAgainstPlain(benchmark::State& state) {
  const CertifiedKey made = *self_signed({"127.0.0.1"}, 1);
  TlsServerConfig server_tls;
  server_tls.certificates.push_back({{}, {{}, made.chain_pem}, {{}, made.key_pem}});
  TlsClientConfig client_tls;
  client_tls.ca.text = made.chain_pem;
  const Tls tls = *TlsClientContext::create(client_tls);
  async::Runtime servers(1), clients(1);
  servers.start();
  clients.start();
  HttpServerConfig config;
  config.address = {"127.0.0.1", 0};
  auto plain = *HttpServer::bind(servers, config, hello);
  config.tls = *TlsServerSource::create(server_tls);
  auto secure = *HttpServer::bind(servers, config, hello);
  (void)plain->listen();
  (void)secure->listen();
  const std::int64_t connections = state.range(0), requests = 8000 / connections;
  double times[3] = {};
  for (auto _ : state) {
    async::run_blocking(clients.loop(0),
                        compare({"127.0.0.1", plain->port()}, {"127.0.0.1", secure->port()}, tls,
                                connections, requests, times));
  }
  const double rounds = static_cast<double>(state.iterations());
  const double all = rounds * 4 * static_cast<double>(connections * requests);
  state.counters["plain_us"] = times[0] / all * 1e6;
  state.counters["tls_us"] = times[1] / all * 1e6;
  state.counters["added_us"] = (times[1] - times[0]) / all * 1e6;
  state.counters["ratio"] = times[1] / times[0];
  state.counters["handshake_us"] = times[2] / (rounds * 200) * 1e6;
  const TimePoint soon = std::chrono::steady_clock::now() + 1s;
  (void)async::run_blocking(servers.loop(0), plain->drain(soon));
  (void)async::run_blocking(servers.loop(0), secure->drain(soon));
}
BENCHMARK(TlsAgainstPlain)->Arg(1)->Arg(32)->UseRealTime()->Unit(benchmark::kMillisecond);

void Requests(benchmark::State& state) { load(state, hello, 0); }
BENCHMARK(Requests)->Arg(1)->Arg(32)->UseRealTime()->Unit(benchmark::kMillisecond);

// Items are events.
void StreamedEvents(benchmark::State& state) { load(state, stream_events, 200); }
BENCHMARK(StreamedEvents)->Arg(1)->Arg(16)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace nacelle::net::http
