// upstream_tls_test.cc: a provider behind TLS that asks for a certificate: the Backend's own
// (clientCertificateRef) is shown, over HTTP/1.1 and HTTP/2, and no other one.
#include <gtest/gtest.h>

#include "gateway/ai/testing/ai_fixture.h"
#include "gateway/testing/tls_objects.h"
#include "net/testing/test_ca.h"

namespace nacelle::gateway::ai {
namespace {

using namespace testing;  // NOLINT: the fixture's words
using gateway::testing::indented;
using gateway::testing::secret;
using net::testing::TestCa;

struct Seen {
  std::string peer, alpn;
};

class UpstreamTls : public AiFixture {
 public:
  std::string tls_provider(Seen* seen) {
    struct Step {
      static Task<void> serve(Seen* seen, ServerExchange* exchange) {
        (void)co_await exchange->read_body(1 << 20);
        const net::TlsInfo* tls = exchange->tls();
        seen->alpn = tls->alpn;
        seen->peer = tls->peer ? tls->peer->subject : "";
        ResponseHead head;
        head.headers.add("content-type", "application/json");
        (void)co_await exchange->respond(head, kAnswer);
      }
    };
    net::TlsServerConfig tls;
    tls.certificates.push_back(net::testing::use(ca_.issue({"provider.test"})));
    tls.client_verify = net::ClientVerify::kRequired;
    tls.client_ca = ca_.trusted();
    net::http::HttpServerConfig config;
    config.address = {"127.0.0.1", 0};
    config.tls = *net::TlsServerSource::create(tls);
    auto server = net::http::HttpServer::bind(runtime_, config, [seen](ServerExchange& exchange) {
      return Step::serve(seen, &exchange);
    });
    EXPECT_TRUE(server && (*server)->listen().ok());
    upstreams_.push_back(std::move(*server));
    return std::to_string(upstreams_.back()->port());
  }

  std::string objects(const std::string& port, const std::string& more_tls,
                      const std::string& more_spec = "") {
    return base_objects() +
           fmt::format(R"(
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {{name: a}}
spec: {{schema: {{name: OpenAI}}, backendRef: {{name: a, kind: Backend, group: gateway.envoyproxy.io}}}}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {{name: a}}
spec:
  endpoints: [{{ip: {{address: 127.0.0.1, port: {}}}}}]
  tls: {{sni: provider.test, caCertificateRefs: [{{kind: ConfigMap, name: ca}}]{}}}
{}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: ca}}
data:
  ca.crt: |
{}
)",
                       port, more_tls, more_spec, indented(ca_.root().chain_pem)) +
           ai_route("{name: a}");
  }

  const TestCa ca_;
};

TEST_F(UpstreamTls, ABackendShowsItsOwnCertificate) {
  Seen seen;
  const std::string port = tls_provider(&seen);
  const std::string ours = secret("ours", ca_.issue({"gateway.test"}));
  const auto post = [&] { return ask("POST", "/v1/chat/completions", {}, kChat); };
  start(objects(port, ""));
  EXPECT_EQ(post().code, 503) << "the provider wants one";
  EXPECT_EQ(seen.peer, "");

  const std::string ref = ", clientCertificateRef: {name: ours}";
  ASSERT_TRUE(apply(objects(port, ref) + ours).ok());
  EXPECT_EQ(post().body, kAnswer);
  EXPECT_EQ(seen.peer, "CN=gateway.test");
  EXPECT_EQ(seen.alpn, "http/1.1");

  ASSERT_TRUE(
      apply(objects(port, ref, "  appProtocols: [gateway.envoyproxy.io/h2c]\n") + ours).ok());
  EXPECT_EQ(post().body, kAnswer);
  EXPECT_EQ(seen.peer, "CN=gateway.test");
  EXPECT_EQ(seen.alpn, "h2");

  // A reload with another certificate: it is shown from then on; a bad one changes nothing.
  ASSERT_TRUE(apply(objects(port, ref) + secret("ours", ca_.issue({"renewed.test"}))).ok());
  EXPECT_EQ(post().code, 200);
  EXPECT_EQ(seen.peer, "CN=renewed.test");
  EXPECT_FALSE(apply(objects(port, ref) + secret("ours", ca_.issue_expired({"old.test"}))).ok());
  EXPECT_FALSE(apply(objects(port, ref)).ok()) << "the Secret is gone";
  EXPECT_EQ(post().code, 200);
  EXPECT_EQ(seen.peer, "CN=renewed.test");
}

}  // namespace
}  // namespace nacelle::gateway::ai
