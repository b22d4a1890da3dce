// tls_test.cc: certificates by name, reloads that bring bad ones, and ours towards upstreams.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/testing/fixture.h"
#include "gateway/testing/tls_objects.h"
#include "net/testing/raw_tls.h"
#include "net/testing/test_ca.h"

namespace nacelle::gateway {
namespace {

using async::Task;
using net::CertifiedKey;
using net::http::ResponseHead;
using net::http::ServerExchange;
using net::testing::RawTlsClient;
using net::testing::RawTlsOptions;
using net::testing::TestCa;
using testing::Answer;
using testing::base_objects;
using ::testing::HasSubstr;
using testing::https_listener;
using testing::indented;
using ::testing::Not;
using testing::route;
using testing::secret;
using testing::service;

// One port with two certificates.
std::string two_hosts() { return https_listener({"a", "b"}); }

Task<void> answer_tls(ServerExchange& exchange) {
  const net::TlsInfo* tls = exchange.tls();
  std::string text = tls == nullptr ? "plain" : "tls sni=" + tls->server_name;
  if (exchange.request().version == net::http::Version::kHttp2) text = "h2 " + text;
  if (tls != nullptr && tls->peer) text += " from " + tls->peer->subject;
  const ResponseHead head;
  (void)co_await exchange.respond(head, text);
}

class GatewayTls : public testing::GatewayFixture {
 public:
  std::string served(const std::string& name) {
    RawTlsOptions options;
    options.server_name = name;
    const RawTlsClient client(gateway_->port(), options);
    return client.connected() ? client.certificate_name() : "none";
  }
  std::string tls_upstream(const TestCa& ca, net::ClientVerify verify,
                           std::vector<std::string> alpn = {"http/1.1"}) {
    net::TlsServerConfig tls;
    tls.certificates.push_back(net::testing::use(ca.issue({"engine.test"})));
    tls.client_verify = verify;
    tls.client_ca = ca.trusted();
    tls.alpn = std::move(alpn);
    net::http::HttpServerConfig config;
    config.address = {"127.0.0.1", 0};
    config.tls = *net::TlsServerSource::create(tls);
    auto server = net::http::HttpServer::bind(runtime_, config, answer_tls);
    EXPECT_TRUE(server && (*server)->listen().ok());
    upstreams_.push_back(std::move(*server));
    return fmt::format("127.0.0.1:{}", upstreams_.back()->port());
  }

  const TestCa ca_;
};

TEST_F(GatewayTls, TheNameThatAClientAsksForChoosesTheCertificate) {
  start(two_hosts() + secret("a", ca_.issue({"a.test"})) +
        secret("b", ca_.issue({"b.test", "*.b.test"})) + service("s", {upstream(answer_tls)}) +
        route("r", "\n  - {backendRefs: [{name: s, port: 80}]}"));
  EXPECT_EQ(served("a.test"), "a.test");
  EXPECT_EQ(served("b.test"), "b.test");
  EXPECT_EQ(served("x.b.test"), "b.test");
  EXPECT_EQ(served("unknown.test"), "a.test") << "the first one stands in";
  EXPECT_EQ(served(""), "a.test");
}

TEST_F(GatewayTls, AReloadWithABadCertificateChangesNothing) {
  const CertifiedKey good = ca_.issue({"a.test"});
  const std::string rest = service("s", {upstream(answer_tls)}) +
                           route("r", "\n  - {backendRefs: [{name: s, port: 80}]}");
  const std::string b = secret("b", ca_.issue({"b.test"}));
  start(two_hosts() + secret("a", good) + b + rest);
  EXPECT_EQ(served("a.test"), "a.test");
  const CertifiedKey expired = ca_.issue_expired({"a.test"});
  const CertifiedKey other = ca_.issue({"a.test"});
  struct Row {
    const char* says;
    std::string objects;
    std::vector<const char*> told;
  };
  int refused = 0;
  for (const Row& row : std::vector<Row>{
           {"the Secret is gone", b, {"there is no Secret default/a"}},
           {"the key is gone", secret("a", good.chain_pem, "") + b, {"default/a has no 'tls.key'"}},
           {"the certificate has ended",
            secret("a", expired) + b,
            {"Secret default/a", "the certificate expired at "}},
           {"the key is another's",
            secret("a", good.chain_pem, other.key_pem) + b,
            {"Secret default/a", "does not belong to the certificate"}},
           {"no certificate at all",
            secret("a", "hunter2", good.key_pem) + b,
            {"Secret default/a", "holds no PEM certificate"}},
       }) {
    const Status applied = apply(two_hosts() + row.objects + rest);
    ASSERT_FALSE(applied.ok()) << row.says;
    for (const char* part : row.told) EXPECT_THAT(applied.message(), HasSubstr(part)) << row.says;
    for (const std::string& never : {good.key_pem, other.key_pem, std::string("hunter2")})
      EXPECT_THAT(applied.message(), Not(HasSubstr(never))) << row.says;
    // The reader of files tells what it could not even turn into a model.
    if (const auto model = parse_model({{"x", two_hosts() + row.objects + rest}}); !model)
      gateway_->refuse(applied);
    ++refused;
    EXPECT_EQ(served("a.test"), "a.test") << row.says;
    EXPECT_EQ(served("b.test"), "b.test") << row.says;
    EXPECT_THAT(admin("/config"), HasSubstr("\"ok\":false")) << row.says;
    EXPECT_THAT(admin("/metrics"),
                HasSubstr(fmt::format("config_reloads_total{{outcome=\"refused\"}} {}", refused)));
  }
  const std::string metrics = admin("/metrics");
  EXPECT_THAT(metrics, HasSubstr("nacelle_gateway_certificate_expiry_timestamp_seconds{port="));
  // A good one is served at once.
  const CertifiedKey renewed = ca_.issue({"renewed.test"});
  ASSERT_TRUE(apply(two_hosts() + secret("a", renewed) + b + rest).ok());
  EXPECT_EQ(served("a.test"), "renewed.test");
  EXPECT_THAT(admin("/config"), HasSubstr("\"ok\":true"));
}

// A BackendTLSPolicy of `target` that trusts `ca`, and the authority itself.
std::string tls_policy(const std::string& target, const TestCa& ca) {
  return fmt::format(R"(
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {{name: t}}
spec:
  targetRefs: [{}]
  validation: {{hostname: engine.test, caCertificateRefs: [{{kind: ConfigMap, name: ca, group: ""}}]}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: ca}}
data:
  ca.crt: |
{}
)",
                     target, indented(ca.root().chain_pem));
}

// A Gateway that shows `ref` to its TLS upstreams.
std::string with_client(const std::string& ref) {
  std::string text = base_objects();
  const std::string spec = "  gatewayClassName: nacelle\n";
  text.insert(text.find(spec) + spec.size(),
              "  tls: {backend: {clientCertificateRef: {name: " + ref + "}}}\n");
  return text;
}

TEST_F(GatewayTls, AListenerAgreesOnHttp2OrHttp1ByAlpn) {
  start(https_listener({"a"}) + secret("a", ca_.issue({"a.test"})) +
        service("s", {upstream(answer_tls)}) +
        route("r", "\n  - {backendRefs: [{name: s, port: 80}]}"));
  struct Row {
    std::vector<std::string> offered;
    std::string agreed;
  };
  for (const Row& row : std::vector<Row>{{{"h2", "http/1.1"}, "h2"},
                                         {{"http/1.1", "h2"}, "h2"},
                                         {{"h2"}, "h2"},
                                         {{"http/1.1"}, "http/1.1"},
                                         {{}, ""}}) {
    RawTlsOptions options;
    options.server_name = "a.test";
    options.alpn = row.offered;
    RawTlsClient client(gateway_->port(), options);
    ASSERT_TRUE(client.connected());
    EXPECT_EQ(client.alpn(), row.agreed);
    if (row.agreed == "h2") {
      client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
      client.send(std::string("\0\0\0\4\0\0\0\0\0", 9));
      // Its own SETTINGS come first: length, and type 4.
      EXPECT_EQ(client.read_until(std::string("\4\0\0\0\0\0", 6)).size(), 9u);
    } else {
      client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
      EXPECT_EQ(client.read_until("\r\n"), "HTTP/1.1 200 OK\r\n");
    }
  }
  // A whole request over it, by our own client.
  struct Step {
    static Task<std::string> ask(net::http::HttpClient* client, std::uint16_t port,
                                 std::shared_ptr<const net::TlsClientContext> tls) {
      net::http::ClientExchange exchange(*client);
      net::http::RequestHead head;
      head.headers.add("host", "a.test");
      net::http::ClientOptions options;
      options.protocol = net::http::Protocol::kHttp2;
      options.tls = std::move(tls);
      const net::HostPort to{"127.0.0.1", port};
      const Status sent = co_await exchange.send(to, head, {}, options);
      if (!sent.ok()) co_return std::string(sent.message());
      auto body = co_await exchange.read_body(1000);
      co_return body ? *body : std::string(body.error().message());
    }
  };
  net::TlsClientConfig config;
  config.ca = ca_.trusted();
  config.server_name = "a.test";
  EXPECT_EQ(
      async::run_blocking(runtime_.loop(0), Step::ask(client_.get(), gateway_->port(),
                                                      *net::TlsClientContext::create(config))),
      "plain")
      << "the upstream's answer";
}

TEST_F(GatewayTls, UpstreamsBehindTlsSpeakHttp2WhereTheirObjectSaysSo) {
  const auto objects = [&](const std::string& address, const std::string& app_protocol) {
    return base_objects() + service("s", {address}, app_protocol) +
           tls_policy("{kind: Service, name: s, group: \"\"}", ca_) +
           route("r", "\n  - {backendRefs: [{name: s, port: 80}]}");
  };
  const std::string both = tls_upstream(ca_, net::ClientVerify::kNone, {"h2", "http/1.1"});
  start(objects(both, testing::kH2c));
  EXPECT_EQ(ask("POST", "/", {}, "x").body, "h2 tls sni=engine.test");
  ASSERT_TRUE(apply(objects(both, "http")).ok());
  EXPECT_EQ(ask("POST", "/", {}, "x").body, "tls sni=engine.test");
  // One that does not know HTTP/2 is not spoken to in another way.
  ASSERT_TRUE(apply(objects(tls_upstream(ca_, net::ClientVerify::kNone), testing::kH2c)).ok());
  EXPECT_EQ(ask("POST", "/", {}, "x").code, 503);
}

TEST_F(GatewayTls, AnInferencePoolIsShownTheGatewaysCertificate) {
  const auto objects = [&](const std::string& app_protocol) {
    return testing::pool("p", {tls_upstream(ca_, net::ClientVerify::kRequired, {"h2", "http/1.1"})},
                         app_protocol) +
           tls_policy("{kind: InferencePool, name: p, group: inference.networking.k8s.io}", ca_) +
           route("r",
                 "\n  - {backendRefs: [{group: inference.networking.k8s.io, kind: "
                 "InferencePool, name: p}]}");
  };
  start(base_objects() + objects("http"));
  EXPECT_EQ(ask("POST", "/v1/completions", {}, "{}").code, 503) << "without a certificate";
  const std::string ours = secret("client", ca_.issue({"gateway.test"}));
  ASSERT_TRUE(apply(with_client("client") + objects("http") + ours).ok());
  EXPECT_EQ(ask("POST", "/v1/completions", {}, "{}").body,
            "tls sni=engine.test from CN=gateway.test");
  ASSERT_TRUE(apply(with_client("client") + objects(testing::kH2c) + ours).ok());
  EXPECT_EQ(ask("POST", "/v1/completions", {}, "{}").body,
            "h2 tls sni=engine.test from CN=gateway.test");
  // A certificate of another authority is refused by the engine.
  const TestCa stranger("Stranger");
  ASSERT_TRUE(apply(with_client("client") + objects("http") +
                    secret("client", stranger.issue({"gateway.test"})))
                  .ok());
  EXPECT_EQ(ask("POST", "/v1/completions", {}, "{}").code, 503);
}

TEST_F(GatewayTls, UpstreamsAreShownTheGatewaysCertificate) {
  const std::string policy = tls_policy("{kind: Service, name: s, group: \"\"}", ca_);
  const std::string objects = service("s", {tls_upstream(ca_, net::ClientVerify::kRequired)}) +
                              policy + route("r", "\n  - {backendRefs: [{name: s, port: 80}]}");
  start(base_objects() + objects);
  EXPECT_EQ(ask("GET", "/").code, 503) << "the upstream wants a certificate";
  ASSERT_TRUE(
      apply(with_client("client") + objects + secret("client", ca_.issue({"gateway.test"}))).ok());
  const Answer answer = ask("GET", "/");
  EXPECT_EQ(answer.code, 200) << answer.body;
  EXPECT_EQ(answer.body, "tls sni=engine.test from CN=gateway.test");
  // A bad one leaves the good one in use.
  const Status refused = apply(with_client("client") + objects +
                               secret("client", ca_.issue_expired({"gateway.test"})));
  EXPECT_THAT(refused.message(), HasSubstr("Secret default/client"));
  EXPECT_THAT(refused.message(), HasSubstr("expired"));
  EXPECT_EQ(ask("GET", "/").body, "tls sni=engine.test from CN=gateway.test");
  EXPECT_THAT(apply(with_client("nobody") + objects).message(),
              HasSubstr("there is no Secret default/nobody"));
  // An upstream whose certificate another authority signed is not spoken to.
  const TestCa stranger("Stranger");
  ASSERT_TRUE(apply(with_client("client") + secret("client", ca_.issue({"gateway.test"})) +
                    service("s", {tls_upstream(stranger, net::ClientVerify::kNone)}) + policy +
                    route("r", "\n  - {backendRefs: [{name: s, port: 80}]}"))
                  .ok());
  EXPECT_EQ(ask("GET", "/").code, 503);
}

}  // namespace
}  // namespace nacelle::gateway
