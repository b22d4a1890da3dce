// hangs_test.cc: engines that take a request and then say nothing, before or within their answer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <deque>

#include "async/event.h"
#include "async/timer.h"
#include "gateway/testing/fixture.h"

namespace nacelle::gateway {
namespace {

using async::Task;
using net::http::ResponseHead;
using net::http::ServerExchange;
using testing::Answer;
using testing::base_objects;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::policy;
using testing::pool;
using testing::route;
using testing::service;
using ::testing::StartsWith;

// One answer of an engine: what it says before it hangs, or all of it.
struct Script {
  bool head = true;  // false: hangs before its head
  std::string says;  // after `pause`
  Duration pause{};  // between the head, which leaves by itself, and what it says
  bool resumable = true;
  bool hangs = false;   // after what it says, until its client is gone
  bool awaits = false;  // before it ends: the departure of the client of a script that hangs
};

// Engines that play the scripts in the order in which requests come, wherever they come to.
class Engines {
 public:
  explicit Engines(async::Loop& loop) : gone_(loop) {}

  net::http::Handler handler() {
    return [this](ServerExchange& exchange) { return serve(this, &exchange); };
  }
  void play(std::vector<Script> scripts) {
    scripts_.assign(scripts.begin(), scripts.end());
    heads.clear();
    bodies.clear();
    gone_.reset();
    closed_ = false;
  }
  [[nodiscard]] bool hung_was_closed() const { return closed_; }

  std::vector<net::http::RequestHead> heads;
  std::vector<std::string> bodies;

 private:
  static Task<void> serve(Engines* self, ServerExchange* exchange) {
    const Script script = self->scripts_.empty() ? Script{} : self->scripts_.front();
    if (!self->scripts_.empty()) self->scripts_.pop_front();
    self->heads.push_back(exchange->request());
    auto body = co_await exchange->read_body(1 << 20);
    self->bodies.push_back(body ? *body : "");
    if (script.head) {
      ResponseHead head;
      head.headers.add("content-type", "text/event-stream");
      if (script.resumable && exchange->request().headers.contains("x-nacelle-resume"))
        head.headers.add("x-nacelle-resume", R"({"id":"c","created":1})");
      (void)co_await exchange->start(head);
      (void)co_await exchange->write("");  // the head by itself
      if (script.pause > Duration::zero()) co_await async::sleep_for(script.pause);
      if (!script.says.empty()) (void)co_await exchange->write(script.says);
    }
    if (script.hangs) {
      async::Event left(exchange->loop());
      exchange->on_client_gone([&left] { left.set(); });
      (void)co_await left.wait(std::chrono::steady_clock::now() + 20s);
      exchange->on_client_gone({});
      self->closed_ = true;
      self->gone_.set();
      exchange->abort();
      co_return;
    }
    if (script.awaits) (void)co_await self->gone_.wait(std::chrono::steady_clock::now() + 20s);
    (void)co_await exchange->finish("data: [DONE]\n\n");
  }

  std::deque<Script> scripts_;
  async::Event gone_;
  std::atomic<bool> closed_{false};  // the one that hangs saw its client go
};

constexpr const char* kBody = R"({"stream":true})";
constexpr const char* kToPool =
    "\n  - {backendRefs: [{group: inference.networking.k8s.io, kind: InferencePool, name: p}]}";

std::string for_route(const std::string& fields) {
  return policy("{group: gateway.networking.k8s.io, kind: HTTPRoute, name: r}", "  " + fields);
}

class Hangs : public testing::GatewayFixture {
 public:
  void SetUp() override {
    GatewayFixture::SetUp();
    engines_.emplace(runtime_.loop(0));
  }
  void TearDown() override {
    stop();
    GatewayFixture::TearDown();
  }
  // A pool "p" of two such engines.
  void start_pool(const std::string& policy_fields, const std::string& settings = "") {
    start(base_objects(settings) +
          pool("p", {upstream(engines_->handler()), upstream(engines_->handler())}) +
          route("r", kToPool) + for_route(policy_fields));
  }
  Answer post() { return ask("POST", "/v1/completions", {}, kBody); }

  std::optional<Engines> engines_;
};

TEST_F(Hangs, AStreamThatHangsIsClosedAndGoesOnElsewhere) {
  start_pool("timeouts: {streamIdle: 50ms}");
  engines_->play({{.says = "data: he\n\n: t 1\n\ndata: lost\n\n", .hangs = true},
                  {.says = "data: llo\n\n: t 2 end\n\n", .awaits = true}});
  const Answer answer = post();
  EXPECT_TRUE(answer.status.ok()) << answer.status.message();
  EXPECT_EQ(answer.body, "data: he\n\ndata: llo\n\ndata: [DONE]\n\n");
  EXPECT_TRUE(engines_->hung_was_closed()) << "while the other one was still speaking";
  ASSERT_EQ(engines_->bodies.size(), 2u);
  EXPECT_THAT(engines_->bodies[1], HasSubstr(R"("tokens":[1])"));
  const std::string metrics = admin("/metrics");
  EXPECT_THAT(metrics, HasSubstr("streams_resumed_total{cluster=\"pool/default/p\"} 1"));
  EXPECT_THAT(metrics,
              HasSubstr(R"(attempts_total{cluster="pool/default/p",outcome="timed_out"} 1)"));
  EXPECT_THAT(metrics,
              HasSubstr(R"(attempts_total{cluster="pool/default/p",outcome="broke_off"} 0)"));
  EXPECT_THAT(metrics, HasSubstr("nacelle_gateway_active_requests 0\n"));
}

TEST_F(Hangs, AnEngineThatIsNotOursEndsWithAnErrorEvent) {
  start_pool("timeouts: {streamIdle: 50ms}");
  engines_->play({{.says = "data: he\n\n", .resumable = false, .hangs = true}});
  const Answer answer = post();
  EXPECT_TRUE(answer.status.ok()) << answer.status.message();
  EXPECT_THAT(answer.body, StartsWith("data: he\n\ndata: {\"error\":"));
  EXPECT_THAT(answer.body, EndsWith("data: [DONE]\n\n"));
  EXPECT_EQ(engines_->bodies.size(), 1u) << "nobody else was asked";
  while (!engines_->hung_was_closed()) (void)admin("/health");
  const std::string metrics = admin("/metrics");
  EXPECT_THAT(metrics, HasSubstr(R"(rule/0",code="504"} 1)"));
  EXPECT_THAT(metrics, HasSubstr(R"(outcome="timed_out"} 1)"));
}

TEST_F(Hangs, ARouteMaySwitchResumptionOff) {
  start_pool("timeouts: {streamIdle: 50ms}\n  resumeStreams: false");
  engines_->play({{.says = "data: he\n\n", .hangs = true}});
  const Answer answer = post();
  EXPECT_THAT(answer.body, StartsWith("data: he\n\ndata: {\"error\":"));
  EXPECT_EQ(engines_->bodies.size(), 1u);
  EXPECT_FALSE(engines_->heads[0].headers.contains("x-nacelle-resume")) << "it was not asked for";
  EXPECT_THAT(admin("/metrics"), HasSubstr("streams_resumed_total{cluster=\"pool/default/p\"} 0"));
}

TEST_F(Hangs, ASilentEngineLosesItsRequestBeforeAndBehindItsHead) {
  start_pool("timeouts: {firstByte: 60ms}");
  for (const bool head : {false, true}) {
    engines_->play({{.head = head, .hangs = true}, {.says = "data: 1\n\n: t 1 end\n\n"}});
    const Answer answer = post();
    EXPECT_EQ(answer.code, 200) << head;
    EXPECT_EQ(answer.body, "data: 1\n\ndata: [DONE]\n\n") << head;
    while (!engines_->hung_was_closed()) (void)admin("/health");
  }
  // When all hang, the client is told so.
  engines_->play({{.head = false, .hangs = true}, {.head = true, .hangs = true}});
  const Answer late = post();
  EXPECT_EQ(late.code, 504) << late.body;
  EXPECT_THAT(admin("/metrics"), HasSubstr(R"(outcome="timed_out"} 4)"));
}

TEST_F(Hangs, ALongPrefillBehindAnEarlyHeadIsNoHang) {
  start_pool("timeouts: {streamIdle: 200ms}");
  engines_->play({{.says = "data: 1\n\n: t 1 end\n\n", .pause = 700ms}});
  EXPECT_EQ(post().body, "data: 1\n\ndata: [DONE]\n\n");
  EXPECT_EQ(engines_->bodies.size(), 1u);
}

TEST_F(Hangs, AnEngineThatTakesOverAndHangsIsLeftForAnother) {
  start_pool("timeouts: {streamIdle: 50ms, firstByte: 100ms}");
  engines_->play({{.says = "data: a\n\n: t 1\n\n", .hangs = true},
                  {.head = false, .hangs = true},
                  {.says = "data: b\n\n: t 2\n\n", .hangs = true},
                  {.says = "data: c\n\n: t 3 end\n\n"}});
  EXPECT_EQ(post().body, "data: a\n\ndata: b\n\ndata: c\n\ndata: [DONE]\n\n");
  ASSERT_EQ(engines_->bodies.size(), 4u);
  EXPECT_THAT(engines_->bodies[3], HasSubstr(R"("tokens":[1,2])"));
}

TEST_F(Hangs, AResumedStreamKeepsTheRequestsOwnTime) {
  start(base_objects() + pool("p", {upstream(engines_->handler()), upstream(engines_->handler())}) +
        route("r",
              "\n  - backendRefs: [{group: inference.networking.k8s.io, kind: InferencePool, "
              "name: p}]\n    timeouts: {request: 300ms}") +
        for_route("timeouts: {streamIdle: 50ms}"));
  engines_->play({{.says = "data: a\n\n: t 1\n\n", .hangs = true}, {.head = false, .hangs = true}});
  const Answer answer = post();
  EXPECT_THAT(answer.body, StartsWith("data: a\n\ndata: {\"error\":"));
  EXPECT_EQ(engines_->bodies.size(), 2u) << "nobody is asked when the time is over";
  EXPECT_THAT(admin("/metrics"), HasSubstr(R"(rule/0",code="504"} 1)"));
}

// Over HTTP/2 the connection is shared and stays; the stream is reset.
TEST_F(Hangs, AStreamOverHttp2IsResetAndGoesOnElsewhere) {
  start(base_objects() + pool("p", {upstream(engines_->handler())}, testing::kH2c) +
        service("s", {upstream(engines_->handler())}, testing::kH2c) +
        route("r", std::string("\n  - {matches: [{path: {value: /s}}], backendRefs: [{name: s, "
                               "port: 80}]}") +
                       kToPool) +
        for_route("timeouts: {streamIdle: 50ms}"));
  engines_->play({{.says = "data: he\n\n: t 1\n\n", .hangs = true},
                  {.says = "data: llo\n\n: t 2 end\n\n", .awaits = true}});
  EXPECT_EQ(post().body, "data: he\n\ndata: llo\n\ndata: [DONE]\n\n");
  EXPECT_TRUE(engines_->hung_was_closed());
  engines_->play({{.says = "data: 1\n\n", .hangs = true}, {.says = "data: 2\n\n"}});
  EXPECT_THAT(ask("GET", "/s").body, StartsWith("data: 1\n\ndata: {\"error\":"));
  while (!engines_->hung_was_closed()) (void)admin("/health");
  EXPECT_EQ(ask("GET", "/s").body, "data: 2\n\ndata: [DONE]\n\n");
}

}  // namespace
}  // namespace nacelle::gateway
