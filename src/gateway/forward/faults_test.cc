// faults_test.cc: what a client sees when upstreams fail, are slow, or talk nonsense.
#include <gtest/gtest.h>

#include "async/timer.h"
#include "gateway/testing/fixture.h"

namespace nacelle::gateway {
namespace {

using async::Task;
using net::http::ResponseHead;
using net::http::ServerExchange;
using testing::Answer;
using testing::base_objects;
using testing::policy;
using testing::pool;
using testing::ResettingServer;
using testing::route;
using testing::service;

Task<void> answer_with(int status, std::string body, ServerExchange& exchange) {
  (void)co_await exchange.read_body(1 << 20);
  ResponseHead head;
  head.status = status;
  (void)co_await exchange.respond(head, body);
}

net::http::Handler always(int status, std::string body) {
  return [status, body](ServerExchange& exchange) { return answer_with(status, body, exchange); };
}

// Never answers, until the client or the test is gone.
Task<void> hang(ServerExchange& exchange) {
  (void)co_await exchange.read_body(1 << 20);
  for (int i = 0; i < 2000 && !exchange.client_gone(); ++i) co_await async::sleep_for(5ms);
}

class Faults : public testing::GatewayFixture {};

constexpr const char* kResponse = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

TEST_F(Faults, AResetAtAnyByteOfAPoolsAnswerIsMadeGoodByTheNextLevel) {
  const std::string whole = kResponse;
  ResettingServer bad([&](std::size_t n) { return whole.substr(0, n % (whole.size() + 1)); });
  start(base_objects() + pool("bad", {bad.address()}) +
        pool("good", {upstream(always(200, "rescued"))}) + route("r", R"(
  - backendRefs:
    - {group: inference.networking.k8s.io, kind: InferencePool, name: bad}
    - {group: inference.networking.k8s.io, kind: InferencePool, name: good})") +
        policy("{group: gateway.networking.k8s.io, kind: HTTPRoute, name: r}",
               "  priorities: [{backend: good, priority: 1}]"));
  for (std::size_t i = 0; i <= whole.size(); ++i) {
    const Answer answer = ask("POST", "/v1/completions", {}, "{}");
    EXPECT_EQ(answer.code, 200) << i;
    EXPECT_TRUE(answer.body == "rescued" || answer.body == "hello") << i << answer.body;
  }
}

TEST_F(Faults, AResetAtAnyByteOfAServicesAnswerNeverLooksComplete) {
  const std::string whole = kResponse;
  ResettingServer bad([&](std::size_t n) { return whole.substr(0, n % (whole.size() + 1)); });
  start(base_objects() + service("bad", {bad.address()}) + route("r", R"(
  - {backendRefs: [{name: bad, port: 80}]})") +
        policy("{kind: Service, name: bad}", "  traffic: {outlierDetection: {enabled: false}}"));
  for (std::size_t i = 0; i <= whole.size(); ++i) {
    const Answer answer = ask("GET", "/");
    if (answer.status.ok() && answer.code == 200) {
      EXPECT_EQ(answer.body, "hello") << i;
    }
    if (i < whole.size() - 5) {
      EXPECT_EQ(answer.code, 503) << i;
    }
  }
}

TEST_F(Faults, NonsenseFromAnUpstreamIsAFailureOfTheAttempt) {
  const std::vector<std::string> texts = {
      "\x16\x03\x01garbage\r\n\r\n",
      "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
      "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
      "HTTP/1.1 200 OK\r\nx: a\nb\r\n\r\n",
      "HTTP/9.9 2\r\n\r\n",
      std::string(100'000, 'a')};
  ResettingServer bad([&](std::size_t n) { return texts[n % texts.size()]; });
  start(base_objects() + service("bad", {bad.address()}) + route("r", R"(
  - {backendRefs: [{name: bad, port: 80}]})") +
        policy("{kind: Service, name: bad}", "  traffic: {outlierDetection: {enabled: false}}"));
  for (std::size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(ask("GET", "/").code, 503) << i;
}

TEST_F(Faults, RetriesFollowTheCodesAndTheirNumber) {
  int failures = 0, calls = 0;
  const std::string flaky = upstream([&](ServerExchange& exchange) {
    ++calls;
    return answer_with(failures-- > 0 ? 502 : 200, "x", exchange);
  });
  start(base_objects() + service("a", {flaky}) + route("r", R"(
  - {matches: [{path: {value: /retry}}], backendRefs: [{name: a, port: 80}], retry: {codes: [502], attempts: 3, backoff: 1ms}}
  - {matches: [{path: {value: /other}}], backendRefs: [{name: a, port: 80}], retry: {codes: [503], attempts: 3}}
  - {matches: [{path: {value: /plain}}], backendRefs: [{name: a, port: 80}]})"));
  const auto code = [&](int failing, const char* path) {
    failures = failing;
    calls = 0;
    return ask("POST", path, {}, "b").code;
  };
  EXPECT_EQ(code(2, "/retry"), 200);
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(code(4, "/retry"), 502);
  EXPECT_EQ(calls, 4);
  EXPECT_EQ(code(1, "/other"), 502);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(code(1, "/plain"), 502);
  EXPECT_EQ(calls, 1);
}

TEST_F(Faults, TimeLimitsAnswer504AndAnAttemptsOwnLimitIsRetried) {
  int calls = 0;
  const std::string slow = upstream([&](ServerExchange& exchange) {
    ++calls;
    return hang(exchange);
  });
  start(base_objects() + service("slow", {slow}) + route("r", R"(
  - {matches: [{path: {value: /request}}], backendRefs: [{name: slow, port: 80}], timeouts: {request: 60ms}}
  - {matches: [{path: {value: /attempt}}], backendRefs: [{name: slow, port: 80}], timeouts: {backendRequest: 40ms}, retry: {attempts: 2, backoff: 1ms}})"));
  const Answer request = ask("GET", "/request");
  EXPECT_EQ(request.code, 504);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(ask("GET", "/attempt").code, 504);
  EXPECT_EQ(calls, 4);
}

TEST_F(Faults, ABreakerRefusesWhatIsTooMuch) {
  struct Burst {
    static Task<void> one(Faults* test, net::http::ClientExchange* exchange, int* code) {
      net::http::RequestHead head;
      net::http::ClientOptions options;
      options.head_timeout = 2s;
      const net::HostPort to{"127.0.0.1", test->gateway_->port()};
      const Status sent = co_await exchange->send(to, head, {}, options);
      *code = sent.ok() ? exchange->response().status : -1;
    }
    static Task<std::vector<int>> run(Faults* test) {
      std::vector<int> codes(3, 0);
      async::StopScope scope(test->runtime_.loop(0));
      std::vector<std::unique_ptr<net::http::ClientExchange>> exchanges;
      for (int& code : codes) {
        exchanges.push_back(std::make_unique<net::http::ClientExchange>(*test->client_));
        scope.spawn(one(test, exchanges.back().get(), &code));
      }
      // Two hang, the third is refused: wait for that one, then let go of the others.
      while (std::count(codes.begin(), codes.end(), 0) > 2) co_await async::sleep_for(1ms);
      for (auto& exchange : exchanges) exchange->cancel();
      co_await scope.join();
      co_return codes;
    }
  };
  start(base_objects() + service("slow", {upstream(hang)}) + route("r", R"(
  - {backendRefs: [{name: slow, port: 80}]})") +
        policy("{kind: Service, name: slow}", "  traffic: {circuitBreaker: {maxRequests: 2}}"));
  const std::vector<int> codes = async::run_blocking(runtime_.loop(0), Burst::run(this));
  EXPECT_EQ(std::count(codes.begin(), codes.end(), 503), 1);
  EXPECT_NE(admin("/metrics").find("refused_total{reason=\"breaker\"} 1"), std::string::npos);
}

TEST_F(Faults, AnEjectedEndpointIsLeftOut) {
  int bad_calls = 0;
  const std::string bad = upstream([&](ServerExchange& exchange) {
    ++bad_calls;
    return answer_with(500, "bad", exchange);
  });
  start(base_objects() + service("s", {bad, upstream(always(200, "ok"))}) + route("r", R"(
  - {backendRefs: [{name: s, port: 80}]})") +
        policy("{kind: Service, name: s}",
               "  traffic: {loadBalancer: {type: RoundRobin}, outlierDetection: "
               "{consecutive5xxErrors: 3, baseEjectionTime: 1h, maxEjectionTime: 1h}}"));
  for (int i = 0; i < 20; ++i) (void)ask("GET", "/");
  EXPECT_EQ(bad_calls, 3);
  EXPECT_NE(admin("/endpoints").find("\"ejected\":true"), std::string::npos);
}

TEST_F(Faults, ErrorsSpeakTheClientsDialect) {
  start(base_objects() + service("none", {}) + route("r", R"(
  - {backendRefs: [{name: none, port: 80}]})"));
  EXPECT_NE(ask("POST", "/v1/chat/completions", {}, "{}").body.find(R"("code":503)"),
            std::string::npos);
  const Answer anthropic = ask("POST", "/v1/messages", {}, "{}");
  EXPECT_NE(anthropic.body.find(R"("type":"overloaded_error")"), std::string::npos)
      << anthropic.body;
  EXPECT_EQ(anthropic.headers.get("retry-after"), "1");
}

TEST_F(Faults, ReadinessFailsFirstWhileEverythingIsServed) {
  start(base_objects() + service("a", {upstream(always(200, "ok"))}) + route("r", R"(
  - {matches: [{path: {value: /a}}], backendRefs: [{name: a, port: 80}]})"));
  EXPECT_EQ(ask_port(gateway_->admin_port(), "GET", "/ready").code, 200);
  gateway_->begin_drain();
  EXPECT_EQ(ask_port(gateway_->admin_port(), "GET", "/ready").code, 503);
  EXPECT_EQ(ask_port(gateway_->admin_port(), "GET", "/health").code, 200);
  EXPECT_EQ(ask("GET", "/health").code, 503);
  EXPECT_EQ(ask("GET", "/a").code, 200);
}

}  // namespace
}  // namespace nacelle::gateway
