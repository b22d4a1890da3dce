// tls_test.cc: certificates by name, reloads that bring bad ones, and ours towards upstreams.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/testing/fixture.h"
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
using ::testing::Not;
using testing::route;
using testing::service;

std::string indented(std::string_view text) {
  std::string out = "    ";
  for (const char c : text) {
    out += c;
    if (c == '\n') out += "    ";
  }
  return out;
}

std::string secret(const std::string& name, const std::string& certificate,
                   const std::string& key) {
  std::string out = fmt::format(
      "\n---\napiVersion: v1\nkind: Secret\nmetadata: {{name: {}}}\ntype: kubernetes.io/tls\n"
      "stringData:\n",
      name);
  if (!certificate.empty()) out += "  tls.crt: |\n" + indented(certificate) + "\n";
  if (!key.empty()) out += "  tls.key: |\n" + indented(key) + "\n";
  return out;
}

std::string secret(const std::string& name, const CertifiedKey& key) {
  return secret(name, key.chain_pem, key.key_pem);
}

// One port with two certificates.
std::string two_hosts() {
  std::string objects = base_objects();
  const std::string one = "[{name: http, port: 0, protocol: HTTP}]";
  objects.replace(objects.find(one), one.size(), R"(
  - {name: a, port: 0, protocol: HTTPS, hostname: "*.test", tls: {certificateRefs: [{name: a}, {name: b}]}})");
  return objects;
}

Task<void> answer_tls(ServerExchange& exchange) {
  const net::TlsInfo* tls = exchange.tls();
  std::string text = tls == nullptr ? "plain" : "tls sni=" + tls->server_name;
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
  std::string tls_upstream(const TestCa& ca, net::ClientVerify verify) {
    net::TlsServerConfig tls;
    tls.certificates.push_back(net::testing::use(ca.issue({"engine.test"})));
    tls.client_verify = verify;
    tls.client_ca = ca.trusted();
    tls.alpn = {"http/1.1"};
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

TEST_F(GatewayTls, UpstreamsAreShownTheGatewaysCertificate) {
  const std::string tls_policy = fmt::format(R"(
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {{name: t}}
spec:
  targetRefs: [{{kind: Service, name: s, group: ""}}]
  validation: {{hostname: engine.test, caCertificateRefs: [{{kind: ConfigMap, name: ca, group: ""}}]}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: ca}}
data:
  ca.crt: |
{}
)",
                                             indented(ca_.root().chain_pem));
  const std::string objects = service("s", {tls_upstream(ca_, net::ClientVerify::kRequired)}) +
                              tls_policy + route("r", "\n  - {backendRefs: [{name: s, port: 80}]}");
  const auto with_client = [](const std::string& ref) {
    std::string text = base_objects();
    const std::string spec = "  gatewayClassName: nacelle\n";
    text.insert(text.find(spec) + spec.size(),
                "  tls: {backend: {clientCertificateRef: {name: " + ref + "}}}\n");
    return text;
  };
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
                    service("s", {tls_upstream(stranger, net::ClientVerify::kNone)}) + tls_policy +
                    route("r", "\n  - {backendRefs: [{name: s, port: 80}]}"))
                  .ok());
  EXPECT_EQ(ask("GET", "/").code, 503);
}

}  // namespace
}  // namespace nacelle::gateway
