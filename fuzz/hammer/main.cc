// gateway_hammer: fuzzed requests against a gateway that runs, over sockets.
//
//   gateway_hammer CORPUS_FOLDER [--requests N] [--seed S] [--threads T]
//
// Valid requests, smuggling shapes and mutations of both, pipelined over HTTP/1.1 and in streams of
// HTTP/2, to a pool and a service whose upstreams answer, stream, refuse and break off. Afterwards
// the gateway must answer /health and a plain request, hold nothing (requests, connections, bytes),
// and no upstream may have been sent anything that it could not parse.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "async/runtime.h"
#include "base/check.h"
#include "base/file.h"
#include "client.h"
#include "gateway/config/load.h"
#include "gateway/gateway.h"
#include "gateway/upstream/cluster_picker.h"
#include "net/http/server.h"
#include "net/testing/raw_client.h"
#include "telemetry/log.h"
#include "traffic.h"

namespace {

using namespace nacelle;
using async::Task;
using gateway::ClusterConfig;
using gateway::EndpointPicker;
using net::http::HttpServer;
using net::http::ResponseHead;
using net::http::ServerExchange;
using net::testing::RawClient;

constexpr const char* kObjects = R"(
apiVersion: gateway.nacelle.dev/v1alpha1
kind: GatewaySettings
metadata: {{name: settings}}
spec:
  admin: 127.0.0.1:0
  bindAddress: 127.0.0.1
  accessLog: {{path: /dev/null}}
  limits: {{headTimeout: 2s, bodyTimeout: 2s, idleTimeout: 2s, heldBodyBytes: 64Mi, bodyBytes: 1Mi}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: gw}}
spec:
  gatewayClassName: nacelle
  listeners: [{{name: http, port: 0, protocol: HTTP}}]
---
apiVersion: v1
kind: Service
metadata: {{name: s}}
spec: {{ports: [{{port: 80}}]}}
---
apiVersion: inference.networking.k8s.io/v1
kind: InferencePool
metadata: {{name: p}}
spec: {{selector: {{matchLabels: {{}}}}, targetPorts: [{{number: 8000}}]}}
---
apiVersion: gateway.nacelle.dev/v1alpha1
kind: StaticEndpoints
metadata: {{name: all}}
spec:
  targetRefs: [{{kind: Service, name: s}}, {{group: inference.networking.k8s.io, kind: InferencePool, name: p}}]
  addresses: ["{0}", "{1}"]
---
apiVersion: gateway.nacelle.dev/v1alpha1
kind: GatewayPolicy
metadata: {{name: stays}}
spec: {{targetRefs: [{{kind: Service, name: s}}], traffic: {{outlierDetection: {{enabled: false}}}}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: r}}
spec:
  parentRefs: [{{name: gw}}]
  rules:
  - matches: [{{path: {{value: /v1}}}}]
    backendRefs: [{{group: inference.networking.k8s.io, kind: InferencePool, name: p}}]
  - matches: [{{path: {{value: /s}}}}]
    filters: [{{type: CORS, cors: {{allowOrigins: ["https://a.example"]}}}}]
    backendRefs: [{{name: s, port: 80}}]
  - matches: [{{path: {{value: /go}}}}]
    filters: [{{type: RequestRedirect, requestRedirect: {{hostname: b.example}}}}]
)";

struct Upstream {
  std::atomic<bool> faults{true};
  std::atomic<std::uint64_t> asked{0}, malformed{0};
  std::mutex mutex;
  std::string first_malformed;  // guarded

  // 500 answers for a handler whose client left within its body, 408 one that left without a word.
  net::http::RefusalBody refuse(int status, std::string_view reason) {
    if (status != 500 && status != 408) {
      ++malformed;
      const std::lock_guard lock(mutex);
      if (first_malformed.empty()) first_malformed = fmt::format("{} {}", status, reason);
    }
    return {"text/plain", std::string(reason)};
  }

  static Task<void> serve(Upstream* self, ServerExchange* exchange) {
    const std::uint64_t turn = self->faults ? self->asked.fetch_add(1) % 16 : 0;
    ResponseHead head;
    if (turn == 1) {  // before it has read anything
      head.status = 413;
      (void)co_await exchange->respond(head, "no");
      co_return;
    }
    auto body = co_await exchange->read_body(4 << 20);
    if (!body) co_return;
    if (turn == 2) head.status = 503;
    if (turn == 3) {
      exchange->abort();
      co_return;
    }
    if (turn < 4 || turn > 8) {
      (void)co_await exchange->respond(head, *body);
      co_return;
    }
    head.headers.add("content-type", "text/event-stream");
    if (turn == 8) head.headers.add("x-nacelle-resume", R"({"id":"c","created":1})");
    (void)co_await exchange->start(head);
    for (int i = 0; i < 3; ++i) (void)co_await exchange->write("data: 1\n\n: t 1\n\n");
    if (turn == 5) {
      exchange->abort();
      co_return;
    }
    (void)co_await exchange->finish("data: [DONE]\n\n");
  }
};

Result<std::shared_ptr<EndpointPicker>> in_turn(const ClusterConfig& config) {
  ClusterConfig plain = config;
  plain.traffic.balance = gateway::TrafficConfig::Balance::kRoundRobin;
  plain.traffic.outlier.reset();
  return std::shared_ptr<EndpointPicker>(std::make_shared<gateway::ClusterPicker>(plain));
}

std::string ask(std::uint16_t port, std::string_view head, std::string_view body = {}) {
  RawClient client(port);
  client.send(
      fmt::format("{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{}",
                  head, body.size(), body));
  return client.read_to_end();
}

struct Options {
  std::string corpus;
  std::uint64_t requests = 20'000;
  std::uint64_t seed = 1;
  unsigned threads = 8;
};

struct Totals {
  std::atomic<std::uint64_t> requests{0}, connections{0}, http2{0}, bytes{0}, stuck{0};
};

void drive(const Options& options, unsigned thread, const std::vector<std::string>& corpus,
           std::uint16_t port, Totals& totals) {
  hammer::TrafficMaker maker(options.seed * 1000 + thread, corpus);
  while (totals.requests < options.requests) {
    const hammer::Traffic traffic = maker.next();
    const auto goodbye = static_cast<hammer::Goodbye>(maker.below(3));
    const hammer::Played played = hammer::play(port, traffic.bytes, goodbye);
    totals.requests += traffic.requests;
    totals.bytes += played.bytes;
    ++totals.connections;
    if (traffic.http2) ++totals.http2;
    if (!played.ended) ++totals.stuck;
  }
}

// What is wrong afterwards; "" when nothing is.
std::string look(std::uint16_t port, std::uint16_t admin) {
  if (!ask(port, "GET /health").starts_with("HTTP/1.1 200 ")) return "/health does not answer";
  for (const char* path : {"/v1/completions", "/s/echo"}) {
    const std::string answer = ask(port, fmt::format("POST {}", path), "{\"model\":\"m\"}");
    if (!answer.starts_with("HTTP/1.1 200 ") || !answer.ends_with("{\"model\":\"m\"}"))
      return fmt::format("{} answers: {}", path, answer);
  }
  std::string missing;
  for (int i = 0; i < 600; ++i) {  // what clients left behind ends within the limits above
    const std::string metrics = ask(admin, "GET /metrics");
    missing.clear();
    for (const char* name : {"nacelle_gateway_active_requests", "nacelle_gateway_connections",
                             "nacelle_gateway_held_body_bytes"}) {
      const std::size_t at = metrics.find(fmt::format("\n{} ", name));
      const std::size_t end = metrics.find('\n', at + 1);
      if (metrics.find(fmt::format("\n{} 0\n", name)) == std::string::npos)
        missing += at == std::string::npos ? name : metrics.substr(at, end - at);
    }
    if (missing.empty()) return {};
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return "left behind:" + missing;
}

int run(const Options& options) {
  std::vector<std::string> corpus;
  for (const auto& entry : std::filesystem::directory_iterator(options.corpus))
    corpus.push_back(*read_file(entry.path()));
  std::sort(corpus.begin(), corpus.end());

  async::Runtime runtime(2);
  runtime.start();
  Upstream upstream;
  std::vector<std::unique_ptr<HttpServer>> servers;
  for (int i = 0; i < 2; ++i) {
    net::http::HttpServerConfig config;
    config.address = {"127.0.0.1", 0};
    auto server = HttpServer::bind(
        runtime, config,
        [&](ServerExchange& exchange) { return Upstream::serve(&upstream, &exchange); },
        [&](int status, std::string_view reason) { return upstream.refuse(status, reason); });
    CHECK(server.ok() && (*server)->listen().ok());
    servers.push_back(std::move(*server));
  }
  gateway::Gateway gateway(runtime, in_turn);
  auto model = gateway::parse_model(
      {{"hammer.yaml", fmt::format(kObjects, fmt::format("127.0.0.1:{}", servers[0]->port()),
                                   fmt::format("127.0.0.1:{}", servers[1]->port()))}});
  if (!model) {
    std::fprintf(stderr, "%s\n", std::string(model.error().message()).c_str());
    return 2;
  }
  CHECK(gateway.apply(std::move(*model)).ok());
  CHECK(gateway.listen().ok());

  Totals totals;
  const TimePoint begin = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < options.threads; ++i)
    threads.emplace_back([&, i] { drive(options, i, corpus, gateway.port(), totals); });
  for (std::thread& thread : threads) thread.join();
  const double seconds = to_seconds(std::chrono::steady_clock::now() - begin);

  upstream.faults = false;
  std::string wrong = look(gateway.port(), gateway.admin_port());
  if (wrong.empty() && totals.stuck > 0)
    wrong = fmt::format("{} connections did not end", totals.stuck.load());
  std::uint64_t served = 0;
  for (const auto& server : servers) served += server->stats().requests;
  if (upstream.malformed > 0) {
    wrong += fmt::format(" {} requests were malformed on their way out, the first with {}",
                         upstream.malformed.load(), upstream.first_malformed);
  }
  if (served == 0) wrong += " nothing reached an upstream";
  fmt::print(
      "{} requests (seed {}) on {} connections, {} of HTTP/2, in {:.0f} s; {} reached an "
      "upstream; {} bytes came back: {}\n",
      totals.requests.load(), options.seed, totals.connections.load(), totals.http2.load(), seconds,
      served, totals.bytes.load(), wrong.empty() ? "fine" : wrong);

  const TimePoint soon = std::chrono::steady_clock::now() + 5s;
  (void)async::run_blocking(runtime.loop(0), gateway.drain(soon));
  for (auto& server : servers) (void)async::run_blocking(runtime.loop(0), server->drain(soon));
  runtime.stop();
  runtime.join();
  return wrong.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    const auto number = [&] { return i + 1 < argc ? std::strtoull(argv[++i], nullptr, 10) : 0; };
    if (flag == "--requests") {
      options.requests = number();
    } else if (flag == "--seed") {
      options.seed = number();
    } else if (flag == "--threads") {
      options.threads = static_cast<unsigned>(std::max<std::uint64_t>(number(), 1));
    } else {
      options.corpus = flag;
    }
  }
  if (options.corpus.empty()) {
    std::fprintf(stderr, "usage: %s CORPUS_FOLDER [--requests N] [--seed S] [--threads T]\n",
                 argv[0]);
    return 2;
  }
  log::set_level(log::Level::kOff);
  return run(options);
}
