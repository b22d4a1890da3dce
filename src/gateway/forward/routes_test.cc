// routes_test.cc: routes, filters and reloads, seen by a client.
#include <gtest/gtest.h>

#include "async/event.h"
#include "base/file.h"
#include "gateway/testing/fixture.h"
#include "net/listener.h"

namespace nacelle::gateway {
namespace {

// On its loop, where its idle connections live.
async::Task<void> destroy(std::unique_ptr<Gateway>* gateway) {
  gateway->reset();
  co_return;
}

using async::Task;
using net::http::ResponseHead;
using net::http::ServerExchange;
using testing::Answer;
using testing::base_objects;
using testing::policy;
using testing::pool;
using testing::route;
using testing::service;

// Answers with its name, the request line, chosen headers and the body's size.
Task<void> echo(std::string name, ServerExchange& exchange) {
  const auto body = co_await exchange.read_body(64 << 20);
  const auto& request = exchange.request();
  std::string text = fmt::format("{} {} {} host={} body={}", name, request.method, request.target,
                                 request.headers.get("host"), body ? body->size() : 0);
  for (const auto& field : request.headers) {
    if (field.name.starts_with("x-") || field.name.starts_with("X-"))
      text += fmt::format(" {}={}", field.name, field.value);
  }
  ResponseHead head;
  head.headers.add("x-upstream", name);
  (void)co_await exchange.respond(head, text);
}

net::http::Handler named(std::string name) {
  return [name](ServerExchange& exchange) { return echo(name, exchange); };
}

class Routes : public testing::GatewayFixture {
 public:
  std::string who(const std::string& method, const std::string& target,
                  testing::HeaderList headers = {}, std::string body = "") {
    const Answer answer = ask(method, target, std::move(headers), std::move(body));
    return answer.code == 200 ? answer.body.substr(0, answer.body.find(' '))
                              : std::to_string(answer.code);
  }
};

TEST_F(Routes, ARuleAnswersByItself) {
  const auto answers = [](const char* rule, const std::string& fields) {
    std::string out = policy(fmt::format("{{kind: HTTPRoute, name: r, sectionName: {}}}", rule),
                             "  directResponse: {" + fields + "}");
    return out.replace(out.find("{name: policy}"), 14, fmt::format("{{name: {}}}", rule));
  };
  start(base_objects() + service("s", {upstream(named("s"))}) +
        route("r",
              "\n  - {name: list, matches: [{path: {type: Exact, value: /v1/models}, method: GET}]}"
              "\n  - {name: closed, matches: [{path: {value: /old}}]}"
              "\n  - {name: open, backendRefs: [{name: s, port: 80}]}") +
        answers("list", "body: '{\"data\":[]}'") +
        answers("closed", "status: 410, contentType: text/plain, body: gone"));
  const Answer list = ask("GET", "/v1/models");
  EXPECT_EQ(list.code, 200);
  EXPECT_EQ(list.body, "{\"data\":[]}");
  EXPECT_EQ(list.headers.get("content-type"), "application/json");
  EXPECT_EQ(ask("HEAD", "/v1/models").body, "");
  const Answer gone = ask("POST", "/old/v1/models", {}, "{}");
  EXPECT_EQ(gone.code, 410);
  EXPECT_EQ(gone.body, "gone");
  EXPECT_EQ(gone.headers.get("content-type"), "text/plain");
  EXPECT_EQ(who("POST", "/v1/models", {}, "{}"), "s") << "another method is another rule's";
  EXPECT_NE(apply(base_objects() + route("r", "\n  - {name: list}") + answers("list", "status: 99"))
                .message()
                .find("status"),
            std::string::npos);
}

TEST_F(Routes, HostPathMethodHeaderQueryAndModelDecide) {
  std::string yaml = base_objects();
  for (const char* name : {"a", "b", "c", "d", "e"}) yaml += service(name, {upstream(named(name))});
  yaml += pool("llama", {upstream(named("llama"))}) + pool("rest", {upstream(named("rest"))});
  yaml += route("r", R"(
  - {matches: [{path: {type: Exact, value: /x}}], backendRefs: [{name: a, port: 80}]}
  - {matches: [{path: {value: /x}}], backendRefs: [{name: b, port: 80}]}
  - {matches: [{path: {value: /x}, method: PUT}], backendRefs: [{name: c, port: 80}]}
  - {matches: [{path: {value: /x}, headers: [{name: X-Kind, value: d}]}], backendRefs: [{name: d, port: 80}]}
  - {matches: [{path: {type: RegularExpression, value: '/re/[0-9]+'}, queryParams: [{name: q, value: '1'}]}], backendRefs: [{name: e, port: 80}]}
  - matches: [{path: {value: /v1}, headers: [{name: x-ai-eg-model, value: llama}]}]
    backendRefs: [{group: inference.networking.k8s.io, kind: InferencePool, name: llama}]
  - matches: [{path: {value: /v1}, headers: [{name: x-ai-eg-model, value: 'r.*', type: RegularExpression}]}]
    backendRefs: [{group: inference.networking.k8s.io, kind: InferencePool, name: rest}])");
  start(yaml);
  EXPECT_EQ(who("GET", "/x"), "a");
  EXPECT_EQ(who("GET", "/x/y"), "b");
  EXPECT_EQ(who("GET", "/./x//y/../z"), "b");
  EXPECT_EQ(who("PUT", "/x/y"), "c");
  EXPECT_EQ(who("GET", "/x/y", {{"x-kind", "d"}}), "d");
  EXPECT_EQ(who("GET", "/re/12?z=2&q=1"), "e");
  EXPECT_EQ(who("GET", "/re/12?q=2"), "404");
  EXPECT_EQ(who("GET", "/xy"), "404");
  EXPECT_EQ(who("GET", "/../x"), "400");
  EXPECT_EQ(who("POST", "/v1/chat/completions", {}, R"({"model":"llama"})"), "llama");
  // What a client says of the model in a header is not believed.
  EXPECT_EQ(who("POST", "/v1/chat/completions", {{"x-ai-eg-model", "llama"}}, R"({"model":"r1"})"),
            "rest");
  const Answer unknown = ask("POST", "/v1/completions", {}, R"({"model":"x"})");
  EXPECT_EQ(unknown.code, 404);
  EXPECT_NE(unknown.body.find("no route serves the model 'x'"), std::string::npos);
}

TEST_F(Routes, FiltersChangeHeadersPathsAndHosts) {
  start(base_objects() + service("a", {upstream(named("a"))}) + route("r", R"(
  - matches: [{path: {value: /old}}]
    filters:
    - {type: URLRewrite, urlRewrite: {hostname: inner.example, path: {type: ReplacePrefixMatch, replacePrefixMatch: /new}}}
    - {type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: x-set, value: s}], add: [{name: x-add, value: '2'}], remove: [x-gone]}}
    - {type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: x-upstream, value: hidden}], add: [{name: x-more, value: m}]}}
    backendRefs: [{name: a, port: 80}]
  - matches: [{path: {value: /go}}]
    filters: [{type: RequestRedirect, requestRedirect: {scheme: https, hostname: other.example, path: {type: ReplacePrefixMatch, replacePrefixMatch: /there}, statusCode: 308}}]
  - matches: [{path: {value: /cors}}]
    filters: [{type: CORS, cors: {allowOrigins: ['https://*.example.com'], allowMethods: [GET], exposeHeaders: [x-upstream], allowCredentials: true}}]
    backendRefs: [{name: a, port: 80}])"));
  const Answer rewritten = ask("GET", "/old/p?q=1",
                               {{"x-add", "1"},
                                {"x-gone", "1"},
                                {"x-set", "client"},
                                {"x-gateway-destination-endpoint", "10.0.0.1:1"}});
  EXPECT_TRUE(rewritten.body.starts_with("a GET /new/p?q=1 host=inner.example body=0"))
      << rewritten.body;
  EXPECT_NE(rewritten.body.find("x-set=s"), std::string::npos) << rewritten.body;
  EXPECT_NE(rewritten.body.find("x-add=1 "), std::string::npos);
  EXPECT_NE(rewritten.body.find("x-add=2"), std::string::npos);
  EXPECT_NE(rewritten.body.find("x-forwarded-proto=http"), std::string::npos);
  for (const char* gone : {"x-gone", "x-gateway-destination"})
    EXPECT_EQ(rewritten.body.find(gone), std::string::npos) << gone;
  EXPECT_EQ(rewritten.headers.get("x-upstream"), "hidden");
  EXPECT_EQ(rewritten.headers.get("x-more"), "m");

  const Answer redirect = ask("GET", "/go/a?b=c");
  EXPECT_EQ(redirect.code, 308);
  EXPECT_EQ(redirect.headers.get("location"), "https://other.example/there/a?b=c");

  const Answer preflight =
      ask("OPTIONS", "/cors",
          {{"origin", "https://a.b.example.com"}, {"access-control-request-method", "GET"}});
  EXPECT_EQ(preflight.code, 204);
  EXPECT_EQ(preflight.headers.get("access-control-allow-origin"), "https://a.b.example.com");
  EXPECT_EQ(preflight.headers.get("access-control-allow-methods"), "GET");
  const Answer simple = ask("GET", "/cors", {{"origin", "https://a.example.com"}});
  EXPECT_EQ(simple.headers.get("access-control-allow-credentials"), "true");
  EXPECT_EQ(simple.headers.get("access-control-expose-headers"), "x-upstream");
  const Answer foreign = ask("GET", "/cors", {{"origin", "https://example.org"}});
  EXPECT_EQ(foreign.code, 200);
  EXPECT_FALSE(foreign.headers.contains("access-control-allow-origin"));
}

TEST_F(Routes, BodiesOfServicesPassThroughUnheldAndUnchanged) {
  start(base_objects("  limits: {heldBodyBytes: 100Ki, bodyBytes: 32Mi}") +
        service("a", {upstream(named("a"))}) + pool("p", {upstream(named("p"))}) + route("r", R"(
  - {matches: [{path: {value: /s}}], backendRefs: [{name: a, port: 80}]}
  - matches: [{path: {value: /p}}]
    backendRefs: [{group: inference.networking.k8s.io, kind: InferencePool, name: p}])"));
  const std::string large(8 << 20, 'x');
  const Answer streamed = ask("POST", "/s", {}, large);
  EXPECT_EQ(streamed.code, 200);
  EXPECT_NE(streamed.body.find(fmt::format("body={}", large.size())), std::string::npos);
  // A body that must be held has to fit the budget.
  EXPECT_EQ(ask("POST", "/p", {}, std::string(200 << 10, 'x')).code, 503);
  EXPECT_EQ(ask("POST", "/p", {}, std::string(50 << 10, 'x')).code, 200);
  EXPECT_NE(admin("/metrics").find("nacelle_gateway_held_body_bytes 0\n"), std::string::npos);
}

TEST_F(Routes, WeightsZeroAndMissingBackends) {
  start(base_objects() + service("a", {upstream(named("a"))}) +
        service("b", {upstream(named("b"))}) + service("empty", {}) + route("r", R"(
  - {matches: [{path: {value: /w}}], backendRefs: [{name: a, port: 80, weight: 3}, {name: b, port: 80, weight: 1}]}
  - {matches: [{path: {value: /zero}}], backendRefs: [{name: a, port: 80, weight: 0}]}
  - {matches: [{path: {value: /none}}]}
  - {matches: [{path: {value: /empty}}], backendRefs: [{name: empty, port: 80}]})"));
  int a = 0;
  for (int i = 0; i < 400; ++i) a += who("GET", "/w") == "a" ? 1 : 0;
  EXPECT_NEAR(a, 300, 45);
  EXPECT_EQ(who("GET", "/zero"), "500");
  EXPECT_EQ(who("GET", "/none"), "500");
  EXPECT_EQ(who("GET", "/empty"), "503");
}

TEST_F(Routes, SessionsStickAndMirrorsAreCopies) {
  int mirrored = 0;
  const std::string mirror = upstream([&mirrored](ServerExchange& exchange) {
    ++mirrored;
    return echo("mirror", exchange);
  });
  start(base_objects() +
        service("a", {upstream(named("1")), upstream(named("2")), upstream(named("3"))}) +
        service("m", {mirror}) + route("r", R"(
  - matches: [{path: {value: /}}]
    sessionPersistence: {cookie: {name: sid}}
    filters: [{type: RequestMirror, requestMirror: {backendRef: {name: m, port: 80}}}]
    backendRefs: [{name: a, port: 80}])"));
  const Answer first = ask("GET", "/");
  const std::string cookie(first.headers.get("set-cookie").substr(0, 20));
  ASSERT_TRUE(cookie.starts_with("sid=")) << cookie;
  EXPECT_EQ(std::string(first.headers.get("set-cookie")).find("127.0.0.1"), std::string::npos);
  for (int i = 0; i < 10; ++i) {
    const Answer again = ask("GET", "/", {{"cookie", "a=b; " + cookie}});
    EXPECT_EQ(again.headers.get("x-upstream"), first.headers.get("x-upstream"));
    EXPECT_FALSE(again.headers.contains("set-cookie"));
  }
  // Copies may still be on their way: a turn of the loop at a time.
  for (int i = 0; i < 1000 && mirrored < 11; ++i) (void)admin("/health");
  EXPECT_EQ(mirrored, 11);
  EXPECT_NE(admin("/metrics").find("mirrored_requests_total{outcome=\"sent\"} 11"),
            std::string::npos);
}

TEST_F(Routes, AReloadIsWholeOrNothingAndStreamsInHandGoOn) {
  async::Event release(runtime_.loop(0)), begun(runtime_.loop(0));
  struct Slow {
    async::Event &begun, &release;
    static Task<void> serve(Slow slow, ServerExchange* exchange) {
      ResponseHead head;
      (void)co_await exchange->start(head);
      (void)co_await exchange->write("begin ");
      slow.begun.set();
      (void)co_await slow.release.wait();
      (void)co_await exchange->finish("end");
    }
  };
  const Slow slow{begun, release};
  const std::string slow_address =
      upstream([slow](ServerExchange& exchange) { return Slow::serve(slow, &exchange); });
  const std::string objects =
      base_objects() + service("a", {upstream(named("a"))}) + service("slow", {slow_address});
  const std::string a = R"(
  - {matches: [{path: {value: /a}}], backendRefs: [{name: a, port: 80}]})";
  const std::string s = R"(
  - {matches: [{path: {value: /slow}}], backendRefs: [{name: slow, port: 80}]})";
  start(objects + route("r", a + s));
  const std::uint16_t port = gateway_->port();

  struct Step {
    static Task<Answer> stream(Routes* test, async::Event* begun, async::Event* release,
                               std::string without, Status* applied) {
      net::http::RequestHead head;
      head.target = "/slow";
      net::http::ClientExchange exchange(*test->client_);
      Answer answer;
      const net::HostPort to{"127.0.0.1", test->gateway_->port()};
      answer.status = co_await exchange.send(to, head);
      (void)co_await begun->wait();
      *applied = test->apply(without);  // the route of this very stream is gone now
      release->set();
      auto body = co_await exchange.read_body(1000);
      if (body) answer.body = *body;
      if (!body) answer.status = body.error();
      co_return answer;
    }
  };
  Status applied;
  const Answer streamed = async::run_blocking(
      runtime_.loop(0), Step::stream(this, &begun, &release, objects + route("r", a), &applied));
  EXPECT_TRUE(applied.ok()) << applied.message();
  EXPECT_EQ(streamed.body, "begin end");
  EXPECT_EQ(who("GET", "/slow"), "404");
  EXPECT_EQ(who("GET", "/a"), "a");
  EXPECT_EQ(gateway_->port(), port);

  // One error: nothing changes, and it is told.
  EXPECT_FALSE(apply(objects + route("r", s + "\n  - {mtches: []}")).ok());
  gateway_->refuse(apply(objects + route("r", "  - {mtches: []}")));
  EXPECT_EQ(who("GET", "/a"), "a");
  const std::string config = admin("/config");
  EXPECT_NE(config.find("\"generation\":2"), std::string::npos) << config;
  EXPECT_NE(config.find("did you mean 'matches'"), std::string::npos) << config;
  EXPECT_NE(admin("/metrics").find("config_reloads_total{outcome=\"refused\"} 1"),
            std::string::npos);
}

TEST_F(Routes, ListenersComeAndGoWithoutTouchingOthers) {
  const std::string objects = service("a", {upstream(named("a"))}) + route("r", R"(
  - {backendRefs: [{name: a, port: 80}]})");
  std::string two = base_objects() + objects;
  start(two);
  const std::uint16_t port = gateway_->port();
  EXPECT_EQ(who("GET", "/"), "a");
  auto free = net::Listener::bind({"127.0.0.1", 0}, 1);
  const std::uint16_t extra = free->port();
  { const net::Listener gone = std::move(*free); }
  const std::string one_listener = "[{name: http, port: 0, protocol: HTTP}]";
  two.replace(
      two.find(one_listener), one_listener.size(),
      fmt::format(
          "[{{name: http, port: 0, protocol: HTTP}}, {{name: x, port: {}, protocol: HTTP}}]",
          extra));
  ASSERT_TRUE(apply(two).ok());
  EXPECT_EQ(gateway_->port(), port);
  EXPECT_EQ(ask_port(extra, "GET", "/").code, 200);
  ASSERT_TRUE(apply(base_objects() + objects).ok());
  EXPECT_EQ(who("GET", "/"), "a");
  // The port drains in the background; a new connection is refused at once or soon.
  for (int i = 0; i < 200 && ask_port(extra, "GET", "/").status.ok(); ++i) {
  }
  EXPECT_FALSE(ask_port(extra, "GET", "/").status.ok());
}

TEST_F(Routes, TheAccessLogHasTheFieldsAndNoSecret) {
  const std::string path = ::testing::TempDir() + "/gateway_access.log";
  std::remove(path.c_str());
  start(base_objects("  accessLog: {path: " + path + "}") + service("a", {upstream(named("a"))}) +
        route("r", R"(
  - {matches: [{path: {value: /a}}], backendRefs: [{name: a, port: 80}]})"));
  (void)ask("POST", "/a/b?api_key=hunter2&x=1",
            {{"authorization", "Bearer hunter2"},
             {"x-api-key", "hunter2"},
             {"x-aigw-api-key", "hunter2"},
             {"cookie", "hunter2"},
             {"user-agent", "te\"st"}},
            "hunter2");
  (void)ask("GET", "/nothing");
  const TimePoint now = std::chrono::steady_clock::now();
  (void)async::run_blocking(runtime_.loop(0), gateway_->drain(now));
  async::run_blocking(runtime_.loop(0), destroy(&gateway_));  // the log is written to its end
  const auto text = read_file(path, 1 << 20);
  ASSERT_TRUE(text);
  EXPECT_EQ(text->find("hunter2"), std::string::npos) << *text;
  for (const char* part :
       {R"("method":"POST")", R"("x-envoy-origin-path":"/a/b?api_key=[REDACTED]&x=1")",
        R"("response_code":200)", R"("upstream_cluster":"httproute/default/r/rule/0")",
        R"("user-agent":"te\"st")", R"("bytes_received":7)", R"("upstream_host":"127.0.0.1:)",
        R"("response_code":404,"response_flags":"NR","response_code_details":"route_not_found")"})
    EXPECT_NE(text->find(part), std::string::npos) << part << "\n" << *text;
}

TEST_F(Routes, SpansReachTheCollectorAndTheTraceGoesOn) {
  std::string exported, seen;
  async::Event arrived(runtime_.loop(0));
  struct Parts {
    static Task<void> collect(std::string* out, async::Event* arrived, ServerExchange* exchange) {
      auto body = co_await exchange->read_body(1 << 20);
      if (body) *out += *body;
      ResponseHead head;
      (void)co_await exchange->respond(head, "{}");
      arrived->set();
    }
    static Task<void> upstream(std::string* seen, ServerExchange* exchange) {
      *seen = exchange->request().headers.get("traceparent");
      ResponseHead head;
      (void)co_await exchange->respond(head, "ok");
    }
  };
  const std::string collector = upstream(
      [&](ServerExchange& exchange) { return Parts::collect(&exported, &arrived, &exchange); });
  const std::string traced =
      upstream([&](ServerExchange& exchange) { return Parts::upstream(&seen, &exchange); });
  start(base_objects("  tracing: {endpoint: 'http://" + collector + "/v1/traces'}") +
        service("a", {traced}) + route("r", R"(
  - {backendRefs: [{name: a, port: 80}]})"));
  (void)ask("GET", "/t",
            {{"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}});
  EXPECT_TRUE(seen.starts_with("00-0af7651916cd43dd8448eb211c80319c-")) << seen;
  EXPECT_TRUE(seen.ends_with("-01"));
  EXPECT_EQ(seen.find("b7ad6b7169203331"), std::string::npos);
  const TimePoint now = std::chrono::steady_clock::now();
  (void)async::run_blocking(runtime_.loop(0), gateway_->drain(now));  // sends what is queued
  async::run_blocking(runtime_.loop(0), destroy(&gateway_));
  EXPECT_NE(exported.find(R"("traceId":"0af7651916cd43dd8448eb211c80319c")"), std::string::npos)
      << exported;
  EXPECT_NE(exported.find(R"("parentSpanId":"b7ad6b7169203331")"), std::string::npos);
  EXPECT_NE(exported.find(R"("name":"GET default/r")"), std::string::npos);
}

}  // namespace
}  // namespace nacelle::gateway
