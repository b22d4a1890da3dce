// The gateway with its router, in front of servers that play engines.
#include "apps/nacelle/data_plane.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <mutex>
#include <set>

#include <nlohmann/json.hpp>

#include "async/event.h"
#include "gateway/config/load.h"
#include "net/http/client.h"
#include "net/http/server.h"
#include "net/listener.h"

namespace nacelle::apps {
namespace {

using async::Task;
using net::http::ServerExchange;

struct Answer {
  int status = 0;
  net::http::Headers headers;
  nlohmann::json body;
};
using HeaderList = std::vector<std::pair<std::string, std::string>>;

Task<Answer> fetch(net::http::HttpClient* client, net::HostPort to, HeaderList headers,
                   std::string body) {
  net::http::RequestHead head;
  head.method = "POST";
  head.target = "/v1/completions";
  head.headers.add("content-type", "application/json");
  for (const auto& [name, value] : headers) head.headers.add(name, value);
  net::http::ClientExchange exchange(*client);
  Answer answer;
  const Status sent = co_await exchange.send(to, head, body);
  if (!sent.ok()) co_return answer;
  answer.status = exchange.response().status;
  answer.headers = exchange.response().headers;
  auto text = co_await exchange.read_body(1 << 20);
  if (text) answer.body = nlohmann::json::parse(*text, nullptr, false);
  co_return answer;
}

// Tells what it got. While the gate is closed, answers wait.
struct Engine {
  std::unique_ptr<net::http::HttpServer> server;
  std::unique_ptr<async::Event> gate;  // null: open
  std::atomic<int> waiting{0};
  std::atomic<int> status{200};

  [[nodiscard]] std::string address() const { return fmt::format("127.0.0.1:{}", server->port()); }
  static Task<void> serve(Engine* engine, ServerExchange* exchange) {
    net::http::ResponseHead head;
    if (exchange->request().path() == "/metrics") {
      head.status = 404;
      (void)co_await exchange->respond(head, "");
      co_return;
    }
    auto body = co_await exchange->read_body(1 << 20);
    if (engine->gate) {
      ++engine->waiting;
      (void)co_await engine->gate->wait();
      --engine->waiting;
    }
    const nlohmann::json asked = body ? nlohmann::json::parse(*body, nullptr, false) : nullptr;
    nlohmann::json seen = {{"body", asked},
                           {"asked_for", asked.is_object() ? asked.value("model", "") : ""},
                           {"engine", engine->address()}};
    for (const auto& field : exchange->request().headers)
      seen["headers"][std::string(field.name)] = std::string(field.value);
    head.status = engine->status;
    head.headers.add("content-type", "application/json");
    const std::string text = seen.dump();
    (void)co_await exchange->respond(head, text);
  }
};

class DataPlaneTest : public testing::Test {
 protected:
  void SetUp() override {
    runtime_.start();
    client_ = std::make_unique<net::http::HttpClient>(runtime_.loop(0));
  }
  void TearDown() override {
    const TimePoint now = std::chrono::steady_clock::now();
    open_gates();
    if (plane_) (void)async::run_blocking(runtime_.loop(0), plane_->drain(now + 5s));
    for (auto& engine : engines_)
      (void)async::run_blocking(runtime_.loop(0), engine->server->drain(now));
    async::run_blocking(runtime_.loop(0), destroy(this));
    runtime_.stop();
    runtime_.join();
    plane_.reset();
    engines_.clear();
  }
  static Task<void> destroy(DataPlaneTest* test) {
    test->client_.reset();
    co_return;
  }
  static Task<void> open(Engine* engine) {
    if (engine->gate) engine->gate->set();
    co_return;
  }
  void open_gates() {
    for (auto& engine : engines_) async::run_blocking(runtime_.loop(0), open(engine.get()));
  }

  Engine& add_engine(bool gated = false) {
    engines_.push_back(std::make_unique<Engine>());
    Engine* engine = engines_.back().get();
    if (gated) engine->gate = std::make_unique<async::Event>(runtime_.loop(0));
    net::http::HttpServerConfig config;
    config.address = {"127.0.0.1", 0};
    auto server = net::http::HttpServer::bind(runtime_, config, [engine](ServerExchange& exchange) {
      return Engine::serve(engine, &exchange);
    });
    EXPECT_TRUE(server) << server.error().message();
    engine->server = std::move(*server);
    EXPECT_TRUE(engine->server->listen().ok());
    return *engine;
  }

  // A pool "llm" of all engines; `picker` are the lines of an EndpointPickerConfig after its kind.
  void start(std::string_view picker, std::string_view objects = "", std::string_view rule = "") {
    nlohmann::json addresses = nlohmann::json::array();
    for (const auto& engine : engines_) addresses.push_back(engine->address());
    const std::string yaml = fmt::format(R"(
apiVersion: gateway.nacelle.dev/v1alpha1
kind: GatewaySettings
metadata: {{name: settings}}
spec: {{admin: "127.0.0.1:0", bindAddress: 127.0.0.1}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: gw}}
spec:
  gatewayClassName: nacelle
  listeners: [{{name: http, port: {}, protocol: HTTP}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: llm}}
spec:
  parentRefs: [{{name: gw}}]
  rules:
  - backendRefs: [{{group: inference.networking.k8s.io, kind: InferencePool, name: llm}}]
{}
---
apiVersion: inference.networking.k8s.io/v1
kind: InferencePool
metadata: {{name: llm}}
spec: {{selector: {{matchLabels: {{app: llm}}}}, targetPorts: [{{number: 8000}}]}}
---
apiVersion: gateway.nacelle.dev/v1alpha1
kind: StaticEndpoints
metadata: {{name: llm}}
spec:
  targetRefs: [{{group: inference.networking.k8s.io, kind: InferencePool, name: llm}}]
  addresses: {}
---
apiVersion: gateway.nacelle.dev/v1alpha1
kind: GatewayPolicy
metadata: {{name: llm}}
spec:
  targetRefs: [{{group: inference.networking.k8s.io, kind: InferencePool, name: llm}}]
  picker:
    config:
      apiVersion: llm-d.ai/v1alpha1
      kind: EndpointPickerConfig
{}
{})",
                                         free_port(), rule, addresses.dump(), picker, objects);
    auto model = gateway::parse_model({{"test.yaml", yaml}});
    ASSERT_TRUE(model) << model.error().message();
    DataPlane::Options options;
    options.allow_experimental_plugins = true;
    auto plane = DataPlane::bind(runtime_, std::move(*model), options);
    ASSERT_TRUE(plane) << plane.error().message();
    plane_ = std::move(*plane);
    ASSERT_TRUE(plane_->listen().ok());
  }
  static std::uint16_t free_port();
  // A pool whose endpoints are discovered, before there is one.
  static gateway::GatewayModel empty_pool();

  Answer ask(HeaderList headers = {}, std::string body = R"({"model":"chat","prompt":"hello"})") {
    return async::run_blocking(runtime_.loop(0),
                               fetch(client_.get(), {"127.0.0.1", plane_->gateway().port()},
                                     std::move(headers), std::move(body)));
  }
  std::future<Answer> ask_later(HeaderList headers = {}) {
    return std::async(std::launch::async, [this, headers] { return ask(headers); });
  }
  // A value of /metrics, summed over its series.
  double metric(const std::string& name) {
    double sum = 0;
    std::istringstream lines(plane_->gateway().metrics().serialize());
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with(name) && (line[name.size()] == '{' || line[name.size()] == ' '))
        sum += std::stod(line.substr(line.rfind(' ') + 1));
    }
    return sum;
  }
  // Polls: what is waited for happens on the loop.
  template <class F>
  static bool eventually(F condition) {
    for (int i = 0; i < 5000; ++i) {
      if (condition()) return true;
      std::this_thread::yield();
      std::this_thread::sleep_for(1ms);
    }
    return false;
  }

  async::Runtime runtime_{1};
  std::unique_ptr<net::http::HttpClient> client_;
  std::vector<std::unique_ptr<Engine>> engines_;
  std::unique_ptr<DataPlane> plane_;
};

std::uint16_t DataPlaneTest::free_port() {
  auto listener = net::Listener::bind({"127.0.0.1", 0}, 1);
  return listener->port();
}

gateway::GatewayModel DataPlaneTest::empty_pool() {
  gateway::GatewayConfig config;
  config.listen = {"127.0.0.1", free_port()};
  config.admin = {"127.0.0.1", 0};
  gateway::GatewayModel model = gateway::model_of(config);
  model.clusters.front().discovered = true;
  model.clusters.front().endpoints = {};
  return model;
}

TEST_F(DataPlaneTest, RequestsWaitForThePoolThatTheyWake) {
  add_engine();
  gateway::GatewayModel model = empty_pool();
  std::promise<std::string> woken;
  plane_ = std::move(*DataPlane::bind(
      runtime_, model, {.wake = [&](const std::string& pool) { woken.set_value(pool); }}));
  ASSERT_TRUE(plane_->listen().ok());
  auto answers = std::async(std::launch::async, [&] { return ask().status; });
  EXPECT_EQ(woken.get_future().get(), model.clusters.front().name);
  gateway::GatewayModel up = model;
  up.clusters.front().endpoints = {engines_[0]->address()};
  ASSERT_TRUE(plane_->gateway().apply(std::move(up)).ok());
  EXPECT_EQ(answers.get(), 200);
}

TEST_F(DataPlaneTest, RequestsBeyondTheBoundsOfAPoolAtZeroAreToldToComeAgain) {
  gateway::GatewayModel model = empty_pool();
  DataPlane::Options options;
  options.wake = [](const std::string&) {};
  options.wake_room.most = 1;
  options.wake_room.patience = 10s;
  plane_ = std::move(*DataPlane::bind(runtime_, model, std::move(options)));
  ASSERT_TRUE(plane_->listen().ok());
  const std::string pool = model.clusters.front().name;
  auto first = std::async(std::launch::async, [&] { return ask(); });
  ASSERT_TRUE(eventually([&] { return plane_->load(pool)->held == 1; }));
  const Answer full = ask();
  EXPECT_EQ(full.status, 503);
  EXPECT_EQ(full.headers.get("retry-after"), "1");
  EXPECT_NE(full.body["error"]["message"].get<std::string>().find("1 requests wait"),
            std::string::npos)
      << full.body;
  add_engine();
  gateway::GatewayModel up = model;
  up.clusters.front().endpoints = {engines_[0]->address()};
  ASSERT_TRUE(plane_->gateway().apply(std::move(up)).ok());
  EXPECT_EQ(first.get().status, 200);
}

TEST_F(DataPlaneTest, ARequestThatWaitsTooLongForAPoolAtZeroIsToldToComeAgain) {
  gateway::GatewayModel model = empty_pool();
  DataPlane::Options options;
  options.wake = [](const std::string&) {};
  options.wake_room.patience = 1ms;
  plane_ = std::move(*DataPlane::bind(runtime_, std::move(model), std::move(options)));
  ASSERT_TRUE(plane_->listen().ok());
  const Answer late = ask();
  EXPECT_EQ(late.status, 503);
  EXPECT_EQ(late.headers.get("retry-after"), "1");
}

TEST_F(DataPlaneTest, RequestsThatWaitForAPoolThatGoesAreRefused) {
  gateway::GatewayModel model = empty_pool();
  std::promise<void> waits;
  DataPlane::Options options;
  options.wake = [&](const std::string&) { waits.set_value(); };
  plane_ = std::move(*DataPlane::bind(runtime_, model, std::move(options)));
  ASSERT_TRUE(plane_->listen().ok());
  auto answer = std::async(std::launch::async, [&] { return ask().status; });
  waits.get_future().get();
  model.clusters.front().name = "pool/default/another";
  ASSERT_TRUE(plane_->apply(std::move(model)).ok());
  EXPECT_EQ(answer.get(), 503);
}

TEST_F(DataPlaneTest, ADiscoveredPoolTakesNewEndpointsAndKeepsItsPicker) {
  add_engine();
  add_engine();
  gateway::GatewayModel model = empty_pool();
  const auto with = [&](std::vector<std::string> endpoints) {
    gateway::GatewayModel changed = model;
    changed.clusters.front().endpoints = std::move(endpoints);
    return changed;
  };
  auto plane = DataPlane::bind(runtime_, with({}));
  ASSERT_TRUE(plane) << plane.error().message();
  plane_ = std::move(*plane);
  ASSERT_TRUE(plane_->listen().ok());
  EXPECT_EQ(ask().status, 503);
  const auto* picker = plane_->gateway().snapshot()->clusters[0]->picker.get();
  for (const auto& engine : engines_) {
    ASSERT_TRUE(plane_->gateway().apply(with({engine->address()})).ok());
    const auto came_from_it = [&] {
      const Answer answer = ask();
      return answer.status == 200 && answer.body["engine"] == engine->address();
    };
    EXPECT_TRUE(eventually(came_from_it)) << engine->address();
    EXPECT_EQ(plane_->gateway().snapshot()->clusters[0]->picker.get(), picker);
  }
  ASSERT_TRUE(plane_->gateway().apply(with({})).ok());
  EXPECT_TRUE(eventually([&] { return ask().status == 503; }));
}

TEST_F(DataPlaneTest, ARewriteAsksTheEngineForAnotherModel) {
  add_engine();
  start("      plugins: [{type: random-picker}]", R"(
---
apiVersion: llm-d.ai/v1alpha2
kind: InferenceModelRewrite
metadata: {name: canary}
spec:
  poolRef: {name: llm}
  rules:
  - matches: [{model: {type: Exact, value: chat}}]
    targets: [{modelRewrite: "demo \"2\""}]
---
apiVersion: llm-d.ai/v1alpha2
kind: InferenceModelRewrite
metadata: {name: other}
spec:
  poolRef: {name: another-pool}
  rules: [{targets: [{modelRewrite: never}]}]
)");
  const Answer answer = ask();
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body["asked_for"], "demo \"2\"");
  EXPECT_EQ(answer.body["body"]["model"], "chat") << "the client sees the name that it sent";
  EXPECT_EQ(answer.body["body"]["prompt"], "hello");
  // A client has no say in it here.
  EXPECT_EQ(ask({{"x-llm-d-model-name-rewrite", "x"}}, R"({"model":"m","prompt":"a"})")
                .body["body"]["model"],
            "m");
}

TEST_F(DataPlaneTest, AnswersOfAPoolAreCounted) {
  Engine& engine = add_engine();
  start("      plugins: [{type: random-picker}]");
  const std::string pool = plane_->gateway().snapshot()->clusters[0]->config.name;
  const auto counted = [&](std::uint64_t all, std::uint64_t failed) {
    return eventually([&] {
      const auto counts = plane_->answers(pool);
      return counts && counts->all == all && counts->failed == failed;
    });
  };
  EXPECT_FALSE(plane_->answers("pool/default/another"));
  EXPECT_TRUE(counted(0, 0));
  EXPECT_EQ(ask().status, 200);
  EXPECT_TRUE(counted(1, 0));
  engine.status = 400;
  EXPECT_EQ(ask().status, 400);
  EXPECT_TRUE(counted(2, 0)) << "the client's mistake is no failure";
  engine.status = 500;
  EXPECT_EQ(ask().status, 500);
  EXPECT_TRUE(counted(3, 1));
  const TimePoint now = std::chrono::steady_clock::now();
  (void)async::run_blocking(runtime_.loop(0), engine.server->drain(now));
  EXPECT_EQ(ask().status, 503);
  EXPECT_TRUE(eventually([&] { return plane_->answers(pool)->failed > 1; }))
      << "nobody was there to answer";
}

TEST_F(DataPlaneTest, TheSessionsTokenGoesToTheClientAndBack) {
  for (int i = 0; i < 4; ++i) add_engine();
  start(R"(      plugins: [{type: session-affinity-scorer}, {type: max-score-picker}])");
  const Answer first = ask();
  ASSERT_EQ(first.status, 200);
  const std::string token(first.headers.get("x-session-token"));
  ASSERT_FALSE(token.empty());
  std::set<std::string> without;
  for (int i = 0; i < 60; ++i) {
    EXPECT_EQ(ask({{"x-session-token", token}}).body["engine"], first.body["engine"]);
    without.insert(ask().body["engine"].get<std::string>());
  }
  EXPECT_GT(without.size(), 1u);
}

TEST_F(DataPlaneTest, SessionPersistenceOfARouteHoldsInPools) {
  for (int i = 0; i < 4; ++i) add_engine();
  start("      plugins: [{type: random-picker}]", "",
        "    sessionPersistence: {type: Header, sessionName: x-sticky}");
  const Answer first = ask();
  const std::string session(first.headers.get("x-sticky"));
  ASSERT_FALSE(session.empty());
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(ask({{"x-sticky", session}}).body["engine"], first.body["engine"]);
  EXPECT_EQ(ask({{"x-sticky", "nobody"}}).status, 200);
}

constexpr std::string_view kOneAtATime = R"(      featureGates: [flowControl]
      plugins: [{type: concurrency-detector, parameters: {maxConcurrency: 1}}, {type: random-picker}]
      flowControl:
        saturationDetector: {pluginRef: concurrency-detector}
        defaultRequestTTL: 60s
        priorityBands: [{priority: 0, maxRequests: 1}])";

TEST_F(DataPlaneTest, RequestsWaitForRoomAndAFullBandIsRefused) {
  Engine& engine = add_engine(true);
  start(kOneAtATime);
  auto running = ask_later();
  ASSERT_TRUE(eventually([&] { return engine.waiting == 1; }));
  auto waiting = ask_later();
  ASSERT_TRUE(eventually([&] { return metric("llm_d_epp_flow_control_queue_size") == 1; }));
  const Answer refused = ask();
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.headers.get("x-llm-d-request-dropped-reason"), "rejected-saturated");
  EXPECT_EQ(refused.headers.get("retry-after"), "1");
  EXPECT_EQ(refused.body["error"]["code"], 429);
  EXPECT_EQ(engine.waiting, 1);
  open_gates();
  EXPECT_EQ(running.get().status, 200);
  EXPECT_EQ(waiting.get().status, 200);
  EXPECT_EQ(metric("llm_d_epp_flow_control_queue_size"), 0);
}

TEST_F(DataPlaneTest, SheddableRequestsOfASaturatedPoolAreRefusedWithoutTheGate) {
  Engine& engine = add_engine(true);
  start(
      R"(      plugins: [{type: concurrency-detector, parameters: {maxConcurrency: 1, headroom: 1}}, {type: random-picker}]
      flowControl: {saturationDetector: {pluginRef: concurrency-detector}})",
      R"(
---
apiVersion: llm-d.ai/v1alpha2
kind: InferenceObjective
metadata: {name: batch}
spec: {priority: -1, poolRef: {name: llm}}
)");
  auto running = ask_later();
  ASSERT_TRUE(eventually([&] { return engine.waiting == 1; }));
  const Answer refused = ask({{"x-llm-d-inference-objective", "batch"}});
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.headers.get("x-llm-d-request-dropped-reason"), "rejected-saturated");
  auto unnamed = ask_later();  // no objective: the detector as a filter has headroom
  EXPECT_TRUE(eventually([&] { return engine.waiting == 2; }));
  open_gates();
  EXPECT_EQ(running.get().status, 200);
  EXPECT_EQ(unnamed.get().status, 200);
}

TEST_F(DataPlaneTest, ARunningSheddableRequestGivesWay) {
  Engine& engine = add_engine(true);
  start(R"(      featureGates: [flowControl]
      plugins: [{type: concurrency-detector, parameters: {maxConcurrency: 1}}, {type: random-picker}]
      flowControl: {saturationDetector: {pluginRef: concurrency-detector}, enableEviction: true})",
        R"(
---
apiVersion: llm-d.ai/v1alpha2
kind: InferenceObjective
metadata: {name: batch}
spec: {priority: -1, poolRef: {name: llm}}
)");
  auto batch = ask_later({{"x-llm-d-inference-objective", "batch"}});
  ASSERT_TRUE(eventually([&] { return engine.waiting == 1; }));
  auto urgent = ask_later();
  const Answer evicted = batch.get();
  EXPECT_EQ(evicted.status, 429);
  EXPECT_EQ(evicted.headers.get("x-llm-d-request-dropped-reason"), "evicted");
  EXPECT_EQ(evicted.body["error"]["message"], "request evicted by flow control");
  open_gates();
  EXPECT_EQ(urgent.get().status, 200);
  EXPECT_EQ(metric("llm_d_epp_flow_control_revocations_issued_total"), 1);
}

TEST_F(DataPlaneTest, HeadersOfADecisionReachTheEngineAndAClientCannotForgeThem) {
  add_engine();
  start(R"(      plugins:
      - {type: always-disagg-pd-decider}
      - {type: disagg-profile-handler, parameters: {deciders: {prefill: always-disagg-pd-decider}}}
      - {type: random-picker}
      schedulingProfiles:
      - {name: prefill, plugins: [{pluginRef: random-picker}]}
      - {name: decode, plugins: [{pluginRef: random-picker}]})");
  const Answer answer = ask({{"x-prefiller-host-port", "10.9.9.9:1"}});
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body["headers"]["x-prefiller-host-port"], engines_[0]->address());
}

}  // namespace
}  // namespace nacelle::apps
