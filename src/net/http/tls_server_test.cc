// Handshakes with the server, by a client that is plain OpenSSL.
#include <openssl/ssl.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/testing/raw_client.h"
#include "net/testing/raw_tls.h"
#include "net/testing/server_fixture.h"
#include "net/testing/test_ca.h"
#include "net/testing/test_folder.h"
#include "net/tls/reloader.h"

namespace nacelle::net::http {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::RawTlsClient;
using testing::RawTlsOptions;
using testing::ServerFixture;
using testing::TestCa;
using testing::use;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
constexpr std::string_view kLastGet = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

// Answers who the client is: version, ALPN, SNI and the subject of its certificate.
async::Task<void> who(ServerExchange& exchange) {
  const TlsInfo* tls = exchange.tls();
  std::string text = "plain";
  if (tls != nullptr) {
    text = fmt::format("{}|{}|{}|", tls->version, tls->alpn, tls->server_name);
    if (tls->peer.has_value()) {
      text += fmt::format("{} {} {}", tls->peer->subject, fmt::join(tls->peer->uris, ","),
                          tls->peer->verified ? "verified" : "unverified");
    }
  }
  const ResponseHead head;
  (void)co_await exchange.respond(head, text + "\n");
}

TlsServerConfig config_of(std::vector<TlsCertificate> certificates) {
  TlsServerConfig config;
  config.certificates = std::move(certificates);
  return config;
}

HttpServerConfig with(const TlsServerConfig& tls) {
  HttpServerConfig config;
  config.tls = *TlsServerSource::create(tls);
  return config;
}

std::string ask(const ServerFixture& server, const RawTlsOptions& options) {
  RawTlsClient client(server.port(), options);
  if (!client.connected() || !client.send(kLastGet)) return "refused";
  const std::string answer = client.read_to_end();
  const std::size_t body = answer.find("\r\n\r\n");
  return body == std::string::npos ? "refused" : answer.substr(body + 4);
}

TEST(TlsServer, SpeaksBothVersionsWithAlpnAndSni) {
  const TestCa ca;
  TlsServerConfig tls = config_of({use(ca.issue({"a.test"})), use(ca.issue({"*.b.test"}))});
  tls.alpn = {"h2", "http/1.1"};
  ServerFixture server(who, with(tls));
  EXPECT_EQ(ask(server, {"a.test", {}, TLS1_2_VERSION}), "TLSv1.2||a.test|\n");
  EXPECT_EQ(ask(server, {"a.test", {"http/1.1"}, TLS1_3_VERSION}), "TLSv1.3|http/1.1|a.test|\n");
  EXPECT_EQ(ask(server, {"", {"x", "http/1.1"}}), "TLSv1.3|http/1.1||\n");
  EXPECT_EQ(ask(server, {"", {"spdy/3"}}), "refused");

  EXPECT_EQ(RawTlsClient(server.port(), {"a.test", {}}).certificate_name(), "a.test");
  EXPECT_EQ(RawTlsClient(server.port(), {"x.b.test", {}}).certificate_name(), "*.b.test");
  EXPECT_EQ(RawTlsClient(server.port(), {"other", {}}).certificate_name(), "a.test");
  // The server's preference counts, not the order in which the client lists.
  EXPECT_EQ(RawTlsClient(server.port(), {"", {"http/1.1", "h2"}}).alpn(), "h2");
}

TEST(TlsServer, MinimumVersionHolds) {
  const TestCa ca;
  TlsServerConfig tls = config_of({use(ca.issue({"a.test"}))});
  ServerFixture twelve(who, with(tls));
  EXPECT_EQ(ask(twelve, {"", {}, TLS1_1_VERSION}), "refused");
  tls.min_version = TlsVersion::kTls13;
  ServerFixture thirteen(who, with(tls));
  EXPECT_EQ(ask(thirteen, {"", {}, TLS1_2_VERSION}), "refused");
  EXPECT_EQ(ask(thirteen, {"", {}, TLS1_3_VERSION}), "TLSv1.3|||\n");
}

TEST(TlsServer, EndsWithCloseNotify) {
  const TestCa ca;
  ServerFixture server(who, with(config_of({use(ca.issue({"a.test"}))})));
  RawTlsClient client(server.port(), {});
  ASSERT_TRUE(client.send(kLastGet));
  EXPECT_THAT(client.read_to_end(), EndsWith("TLSv1.3|||\n"));
  EXPECT_TRUE(client.ended_properly());
}

async::Task<void> break_off(ServerExchange& exchange) {
  const ResponseHead head;
  (void)co_await exchange.start(head);
  (void)co_await exchange.write("a part");
  exchange.abort();
}
async::Task<void> forget_the_end(ServerExchange& exchange) {
  const ResponseHead head;
  (void)co_await exchange.start(head);
  (void)co_await exchange.write("a part");
}

// In HTTP/1.0 only the end of the connection ends a body: it must not look like one.
TEST(TlsServer, AnUnfinishedAnswerLooksTruncated) {
  const TestCa ca;
  for (Handler handler : {Handler(break_off), Handler(forget_the_end)}) {
    ServerFixture server(handler, with(config_of({use(ca.issue({"a.test"}))})));
    RawTlsClient client(server.port(), {});
    ASSERT_TRUE(client.send("GET / HTTP/1.0\r\n\r\n"));
    EXPECT_THAT(client.read_to_end(), EndsWith("a part"));
    EXPECT_FALSE(client.ended_properly());
  }
}

TEST(TlsServer, ClientCertificates) {
  const TestCa ca("Clients"), stranger("Strangers");
  CertificateSpec spec;
  spec.common_name = "worker";
  spec.names = {"spiffe://cluster/worker"};
  const CertifiedKey good = ca.issue_as(spec);
  const CertifiedKey foreign = stranger.issue_as(spec);
  const CertifiedKey expired = ca.issue_expired({"late"});
  struct Row {
    const char* name;
    ClientVerify verify;
    const CertifiedKey* certificate;
    const char* answer;
  };
  const std::vector<Row> rows = {
      {"none ignores", ClientVerify::kNone, &good, "|||\n"},
      {"optional without", ClientVerify::kOptional, nullptr, "|||\n"},
      {"optional with", ClientVerify::kOptional, &good,
       "|||CN=worker spiffe://cluster/worker verified\n"},
      {"optional wrong CA", ClientVerify::kOptional, &foreign, "refused"},
      {"required without", ClientVerify::kRequired, nullptr, "refused"},
      {"required with", ClientVerify::kRequired, &good,
       "|||CN=worker spiffe://cluster/worker verified\n"},
      {"required wrong CA", ClientVerify::kRequired, &foreign, "refused"},
      {"required expired", ClientVerify::kRequired, &expired, "refused"},
  };
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const Row& row : rows) {
      TlsServerConfig tls = config_of({use(ca.issue({"a.test"}))});
      tls.client_verify = row.verify;
      tls.client_ca = ca.trusted();
      ServerFixture server(who, with(tls));
      const std::string answer = ask(server, {"", {}, version, row.certificate});
      EXPECT_THAT(answer, EndsWith(row.answer)) << row.name << " " << version;
    }
  }
}

TEST(TlsServer, ResumesSessionsUnlessTicketsAreOff) {
  const TestCa ca;
  for (const bool tickets : {true, false}) {
    TlsServerConfig tls = config_of({use(ca.issue({"a.test"})), use(ca.issue({"b.test"}))});
    tls.session_tickets = tickets;
    ServerFixture server(who, with(tls));
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      const RawTlsOptions options{"b.test", {}, version};
      RawTlsClient first(server.port(), options);
      ASSERT_TRUE(first.send(kGet));
      EXPECT_NE(first.read_until("|b.test|\n"), "");  // the ticket came before
      RawTlsClient second(server.port(), options, &first);
      EXPECT_EQ(second.resumed(), tickets) << version;
      ASSERT_TRUE(second.send(kGet));
      EXPECT_NE(second.read_until("|b.test|\n"), "");
    }
  }
}

TEST(TlsServer, RefusesRenegotiation) {
  const TestCa ca;
  ServerFixture server(who, with(config_of({use(ca.issue({"a.test"}))})));
  RawTlsClient client(server.port(), {"", {}, TLS1_2_VERSION});
  ASSERT_TRUE(client.send(kGet));
  ASSERT_NE(client.read_until("|\n"), "");
  EXPECT_FALSE(client.renegotiate());
}

// A client may see the end of its connection a moment before it is counted.
void await_failures(ServerFixture& server, std::uint64_t count) {
  while (server.server().stats().tls_failures < count) std::this_thread::yield();
}

TEST(TlsServer, PlaintextAndGarbageAreClosed) {
  const TestCa ca;
  ServerFixture server(who, with(config_of({use(ca.issue({"a.test"}))})));
  for (const std::string& bytes :
       {std::string(kGet), std::string(64, '\0'), std::string("\x16\x03\x01\xff\xff garbage")}) {
    testing::RawClient client(server.port());
    ASSERT_TRUE(client.send(bytes));
    client.shutdown_send();
    EXPECT_THAT(client.read_to_end(), ::testing::Not(HasSubstr("HTTP/1.1")));
  }
  await_failures(server, 3);
  EXPECT_THAT(ask(server, {}), HasSubstr("TLSv1.3"));
}

TEST(TlsServer, SlowHandshakesAreCut) {
  const TestCa ca;
  HttpServerConfig config = with(config_of({use(ca.issue({"a.test"}))}));
  config.tls_handshake_timeout = 50ms;
  ServerFixture server(who, config);
  testing::RawClient silent(server.port());
  testing::RawClient slow(server.port());
  ASSERT_TRUE(slow.send(std::string_view("\x16\x03\x01\x02\x00\x01", 6)));  // a record begins
  EXPECT_EQ(silent.read_to_end(), "");
  EXPECT_EQ(slow.read_to_end(), "");
  await_failures(server, 2);
  EXPECT_EQ(server.server().stats().requests, 0u);
}

TEST(TlsServer, HandshakesInFlightAreBounded) {
  const TestCa ca;
  HttpServerConfig config = with(config_of({use(ca.issue({"a.test"}))}));
  config.max_tls_handshakes = 1;
  ServerFixture server(who, config);
  {
    testing::RawClient silent(server.port());  // holds the only place
    EXPECT_EQ(ask(server, {}), "refused");
    EXPECT_EQ(server.server().stats().tls_refused, 1u);
  }
  await_failures(server, 1);
  EXPECT_THAT(ask(server, {}), HasSubstr("TLSv1.3"));
}

TEST(TlsServer, DrainEndsHandshakesAndIdleConnections) {
  const TestCa ca;
  ServerFixture server(who, with(config_of({use(ca.issue({"a.test"}))})));
  testing::RawClient silent(server.port());
  RawTlsClient idle(server.port(), {});
  ASSERT_TRUE(idle.send(kGet));
  ASSERT_NE(idle.read_until("|\n"), "");
  EXPECT_TRUE(server.drain(10s).ok());
  EXPECT_EQ(silent.read_to_end(), "");
  EXPECT_EQ(idle.read_to_end(), "");
}

TEST(TlsServer, ReloadKeepsOpenStreams) {
  const TestCa ca;
  const testing::TestFolder folder;
  const auto put = [&](const CertifiedKey& key) {
    std::filesystem::rename(folder.write("new", key.chain_pem + key.key_pem),
                            folder.path() / "tls.pem");
  };
  put(ca.issue({"old.test"}));
  TlsServerConfig tls = config_of({{{}, {folder.path() / "tls.pem", ""}, {}}});
  auto reloader = std::move(*TlsReloader::create(tls));
  HttpServerConfig config;
  config.tls = reloader->source();
  ServerFixture server(who, config);

  RawTlsClient before(server.port(), {});
  EXPECT_EQ(before.certificate_name(), "old.test");
  put(ca.issue({"new.test"}));
  ASSERT_EQ(reloader->check(), TlsReloader::Outcome::kReloaded);
  RawTlsClient after(server.port(), {});
  EXPECT_EQ(after.certificate_name(), "new.test");
  put(ca.issue_expired({"expired.test"}));
  ASSERT_EQ(reloader->check(), TlsReloader::Outcome::kFailed);
  EXPECT_EQ(RawTlsClient(server.port(), {}).certificate_name(), "new.test");
  reloader.reset();  // the source outlives it
  for (RawTlsClient* client : {&before, &after}) {
    ASSERT_TRUE(client->send(kGet));
    EXPECT_NE(client->read_until("|\n"), "");
  }
}

}  // namespace
}  // namespace nacelle::net::http
