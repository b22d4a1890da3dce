// Our client against our server over TLS: whom it trusts, what it reuses, how an end looks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "async/timer.h"
#include "net/testing/raw_server.h"
#include "net/testing/server_fixture.h"
#include "net/testing/test_ca.h"
#include "net/tls/client_context.h"
#include "net/tls/openssl.h"

namespace nacelle::net::http {
namespace {

using ::testing::HasSubstr;
using testing::ServerFixture;
using testing::TestCa;
using testing::use;
using Context = std::shared_ptr<const TlsClientContext>;

async::Task<void> hello(ServerExchange& exchange) {
  const ResponseHead head;
  std::string text = "plain";
  if (exchange.tls() != nullptr) {
    text = exchange.tls()->server_name + "|";
    if (exchange.tls()->peer.has_value()) text += exchange.tls()->peer->subject;
  }
  (void)co_await exchange.respond(head, text);
}

HttpServerConfig serving(const CertifiedKey& key, ClientVerify verify = ClientVerify::kNone,
                         const PemSource& client_ca = {}) {
  TlsServerConfig tls;
  tls.certificates.push_back(use(key));
  tls.client_verify = verify;
  tls.client_ca = client_ca;
  HttpServerConfig config;
  config.tls = *TlsServerSource::create(tls);
  return config;
}

Context trusting(const TestCa& ca, std::string server_name = {}) {
  TlsClientConfig config;
  config.ca = ca.trusted();
  config.server_name = std::move(server_name);
  return *TlsClientContext::create(config);
}

struct Answer {
  Status status;
  std::string body, alpn;
  ClientStage stage = ClientStage::kIdle;
  bool reused = false;
};

async::Task<Answer> fetch(HttpClient* client, HostPort address, Context tls,
                          std::string body = {}) {
  Answer answer;
  ClientExchange exchange(*client);
  RequestHead head;
  if (!body.empty()) head.method = "POST";
  ClientOptions options;
  options.tls = std::move(tls);
  answer.status = co_await exchange.send(address, head, body, options);
  answer.stage = exchange.stage();
  answer.reused = exchange.reused_connection();
  if (!answer.status.ok()) co_return answer;
  if (exchange.tls() != nullptr) answer.alpn = exchange.tls()->alpn;
  Result<std::string> text = co_await exchange.read_body(64 << 20);
  answer.stage = exchange.stage();
  answer.status = text.status();
  if (text.ok()) answer.body = std::move(*text);
  co_return answer;
}

// One request with a client of its own.
async::Task<Answer> fetch_once(HostPort address, Context tls, std::string body = {}) {
  HttpClient client(*async::Loop::current());
  co_return co_await fetch(&client, address, std::move(tls), std::move(body));
}

TEST(TlsClient, VerifiesNameDatesAndIssuer) {
  const TestCa ca, stranger("Stranger");
  TlsClientConfig careless;
  careless.verify = false;
  const Context anyone = *TlsClientContext::create(careless);
  struct Row {
    const char* name;
    CertifiedKey certificate;
    Context client;
    const char* error;  // "" = accepted
  };
  const std::vector<Row> rows = {
      {"address", ca.issue({"127.0.0.1"}), trusting(ca), ""},
      {"overridden name", ca.issue({"a.test"}), trusting(ca, "a.test"), ""},
      {"wildcard", ca.issue({"*.a.test"}), trusting(ca, "x.a.test"), ""},
      {"wrong name", ca.issue({"a.test"}), trusting(ca, "b.test"), "hostname mismatch"},
      {"wildcard of two labels", ca.issue({"*.a.test"}), trusting(ca, "x.y.a.test"),
       "hostname mismatch"},
      {"wrong address", ca.issue({"127.0.0.2"}), trusting(ca), "IP address mismatch"},
      {"name for an address", ca.issue({"localhost"}), trusting(ca), "IP address mismatch"},
      {"untrusted", stranger.issue({"127.0.0.1"}), trusting(ca), "unable to get local issuer"},
      {"self-signed", *self_signed({"127.0.0.1"}, 1), trusting(ca), "self-signed certificate"},
      {"unverified", stranger.issue({"elsewhere"}), anyone, ""},
  };
  for (const Row& row : rows) {
    ServerFixture server(hello, serving(row.certificate));
    const Answer answer = server.run(fetch_once(server.address(), row.client));
    if (*row.error == '\0') {
      EXPECT_TRUE(answer.status.ok()) << row.name << ": " << answer.status.message();
      EXPECT_EQ(answer.alpn, "http/1.1");
      continue;
    }
    EXPECT_EQ(answer.status.code(), Code::kUnavailable) << row.name;
    EXPECT_EQ(answer.stage, ClientStage::kConnecting) << row.name;
    EXPECT_THAT(answer.status.message(), HasSubstr(row.error)) << row.name;
    EXPECT_EQ(server.server().stats().requests, 0u) << row.name;
  }
}

// A server of ours does not start with an expired certificate, so a plain OpenSSL one does it here.
void serve_unchecked(testing::RawServer::Peer& peer, const CertifiedKey& certificate) {
  const SslCtxPtr context(SSL_CTX_new(TLS_server_method()));
  const X509Ptr leaf = *parse_leaf({certificate.chain_pem, "test"});
  const KeyPtr key = *parse_key({certificate.key_pem, "test"});
  SSL_CTX_use_certificate(context.get(), leaf.get());
  SSL_CTX_use_PrivateKey(context.get(), key.get());
  SSL* ssl = SSL_new(context.get());
  SSL_set_fd(ssl, peer.fd());
  EXPECT_NE(SSL_accept(ssl), 1);
  SSL_free(ssl);
}

TEST(TlsClient, RefusesAnExpiredCertificate) {
  const TestCa ca;
  const CertifiedKey expired = ca.issue_expired({"127.0.0.1"});
  testing::RawServer server(
      [&expired](testing::RawServer::Peer& peer) { serve_unchecked(peer, expired); });
  async::Runtime runtime(1);
  runtime.start();
  TlsClientConfig config;
  config.ca = ca.trusted();
  config.min_version = TlsVersion::kTls13;
  const Answer answer = async::run_blocking(
      runtime.loop(0), fetch_once({"127.0.0.1", server.port()}, *TlsClientContext::create(config)));
  EXPECT_EQ(answer.status.code(), Code::kUnavailable);
  EXPECT_THAT(answer.status.message(), HasSubstr("certificate has expired"));
}

TEST(TlsClient, ShowsItsCertificateAndIsRefusedWithoutOne) {
  const TestCa ca, stranger("Stranger");
  ServerFixture server(hello, serving(ca.issue({"a.test"}), ClientVerify::kRequired, ca.trusted()));
  const auto client = [&](const CertifiedKey* key) {
    TlsClientConfig config;
    config.ca = ca.trusted();
    config.server_name = "a.test";
    if (key != nullptr) {
      config.certificate.text = key->chain_pem;
      config.key.text = key->key_pem;
    }
    return *TlsClientContext::create(config);
  };
  const CertifiedKey good = ca.issue({"gateway"});
  const CertifiedKey foreign = stranger.issue({"gateway"});
  EXPECT_EQ(server.run(fetch_once(server.address(), client(&good))).body, "a.test|CN=gateway");
  const Answer without = server.run(fetch_once(server.address(), client(nullptr)));
  EXPECT_EQ(without.status.code(), Code::kUnavailable);
  EXPECT_THAT(without.status.message(), HasSubstr("certificate required"));
  EXPECT_EQ(server.run(fetch_once(server.address(), client(&foreign))).status.code(),
            Code::kUnavailable);
  EXPECT_EQ(server.server().stats().requests, 1u);
}

async::Task<void> check_reuse(HostPort address, Context one, Context other) {
  HttpClient client(*async::Loop::current());
  EXPECT_FALSE((co_await fetch(&client, address, one)).reused);
  EXPECT_TRUE((co_await fetch(&client, address, one)).reused);
  EXPECT_FALSE((co_await fetch(&client, address, other)).reused);
  EXPECT_EQ(client.num_idle(), 2u);
  EXPECT_FALSE((co_await fetch(&client, address, nullptr)).reused) << "plain must not be TLS";
  EXPECT_TRUE((co_await fetch(&client, address, other)).reused);
  EXPECT_TRUE((co_await fetch(&client, address, one)).reused);
  client.forget(address);
  EXPECT_EQ(client.num_idle(), 0u);
}

TEST(TlsClient, ReusesAConnectionOnlyUnderTheSameConfiguration) {
  const TestCa ca;
  ServerFixture server(hello, serving(ca.issue({"127.0.0.1"})));
  server.run(check_reuse(server.address(), trusting(ca), trusting(ca)));
}

async::Task<void> fetch_twice(HostPort address, Context tls) {
  HttpClient client(*async::Loop::current());
  EXPECT_TRUE((co_await fetch(&client, address, tls)).status.ok());
  while (client.num_idle() > 0) co_await async::sleep_for(1ms);  // until the server closed it
  EXPECT_TRUE((co_await fetch(&client, address, tls)).status.ok());
}

TEST(TlsClient, ANewHandshakeReplacesAConnectionThatItsServerClosed) {
  const TestCa ca;
  HttpServerConfig config = serving(ca.issue({"127.0.0.1"}));
  config.keep_alive_timeout = 1ms;
  ServerFixture server(hello, config);
  server.run(fetch_twice(server.address(), trusting(ca)));
}

async::Task<void> break_off(ServerExchange& exchange) {
  const ResponseHead head;
  (void)co_await exchange.start(head);
  (void)co_await exchange.write("a part");
  exchange.abort();
}

TEST(TlsClient, TruncationIsAnError) {
  const TestCa ca;
  ServerFixture server(break_off, serving(ca.issue({"127.0.0.1"})));
  const Answer answer = server.run(fetch_once(server.address(), trusting(ca)));
  EXPECT_FALSE(answer.status.ok());
  EXPECT_EQ(answer.body, "");
}

TEST(TlsClient, APlainServerIsNotAConnection) {
  const TestCa ca;
  testing::RawServer plain([](testing::RawServer::Peer& peer) {
    peer.send("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
  });
  async::Runtime runtime(1);
  runtime.start();
  const Answer answer =
      async::run_blocking(runtime.loop(0), fetch_once({"127.0.0.1", plain.port()}, trusting(ca)));
  EXPECT_EQ(answer.status.code(), Code::kUnavailable);
  EXPECT_EQ(answer.stage, ClientStage::kConnecting);
}

async::Task<Answer> fetch_impatiently(HostPort address, Context tls) {
  HttpClient client(*async::Loop::current());
  ClientExchange exchange(client);
  ClientOptions options;
  options.tls = std::move(tls);
  options.connect_timeout = 30ms;
  const RequestHead head;
  Answer answer;
  answer.status = co_await exchange.send(address, head, {}, options);
  answer.stage = exchange.stage();
  co_return answer;
}

TEST(TlsClient, ASilentServerCostsTheConnectTimeout) {
  const TestCa ca;
  testing::RawServer silent([](testing::RawServer::Peer& peer) { peer.read_to_end(); });
  async::Runtime runtime(1);
  runtime.start();
  const Answer answer = async::run_blocking(
      runtime.loop(0), fetch_impatiently({"127.0.0.1", silent.port()}, trusting(ca)));
  EXPECT_EQ(answer.status.code(), Code::kDeadlineExceeded);
  EXPECT_EQ(answer.stage, ClientStage::kConnecting);
}

async::Task<void> send_back(ServerExchange& exchange) {
  Result<std::string> all = co_await exchange.read_body(64 << 20);
  const ResponseHead head;
  if (all.ok()) (void)co_await exchange.respond(head, *all);
}

TEST(TlsClient, LargeBodiesArriveWhole) {
  const TestCa ca;
  std::string body(3 << 20, '\0');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 31 + i / 4093);
  ServerFixture server(send_back, serving(ca.issue({"127.0.0.1"})));
  const Answer answer = server.run(fetch_once(server.address(), trusting(ca), body));
  EXPECT_TRUE(answer.status.ok()) << answer.status.message();
  EXPECT_TRUE(answer.body == body);
}

}  // namespace
}  // namespace nacelle::net::http
