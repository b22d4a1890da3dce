// A client that we did not write: curl, when the machine has it.
#include <cstdio>
#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/testing/server_fixture.h"
#include "net/testing/test_ca.h"
#include "net/testing/test_folder.h"
#include "net/tls/server_context.h"

namespace nacelle::net::http {
namespace {

using ::testing::HasSubstr;

async::Task<void> echo_length(ServerExchange& exchange) {
  Result<std::string> body = co_await exchange.read_body(1 << 24);
  if (!body.ok()) co_return;
  const ResponseHead head;
  const std::string text = std::to_string(body->size()) + "\n";
  (void)co_await exchange.start(head);
  (void)co_await exchange.write(text);
  (void)co_await exchange.finish();
}

std::string run(const std::string& command) {
  std::string out;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return out;
  char buffer[4096];
  for (std::size_t got; (got = std::fread(buffer, 1, sizeof(buffer), pipe)) > 0;) {
    out.append(buffer, got);
  }
  ::pclose(pipe);
  return out;
}

TEST(Curl, TalksToTheServer) {
  if (std::system("command -v curl >/dev/null 2>&1") != 0) GTEST_SKIP() << "no curl here";
  testing::ServerFixture server(echo_length);
  const std::string url = "http://127.0.0.1:" + std::to_string(server.port());
  const std::string curl = "curl -sS --noproxy '*' --max-time 60 ";
  const std::string megabytes = "head -c 3000000 /dev/zero | " + curl + "--data-binary @- ";
  EXPECT_EQ(run(curl + url + "/a"), "0\n");
  EXPECT_EQ(run(curl + "-d hello " + url + "/a " + url + "/b"), "5\n5\n");
  EXPECT_EQ(run(megabytes + url), "3000000\n");
  EXPECT_EQ(run(megabytes + "-H 'Expect: 100-continue' " + url), "3000000\n");
  EXPECT_EQ(run(megabytes + "-H 'Transfer-Encoding: chunked' " + url), "3000000\n");
  EXPECT_EQ(run(curl + "--http1.0 -d abc " + url), "3\n");
  EXPECT_THAT(run(curl + "-I " + url), HasSubstr("transfer-encoding: chunked"));
  const std::string h2 = "--http2-prior-knowledge ";
  // One request: curl 7.88 breaks its own second one on a connection of prior knowledge.
  EXPECT_EQ(run(curl + h2 + "-d hello " + url + "/a"), "5\n");
  EXPECT_EQ(run(megabytes + h2 + url), "3000000\n");
  EXPECT_EQ(run(megabytes + h2 + "-H 'Expect: 100-continue' " + url), "3000000\n");
  EXPECT_THAT(run(curl + h2 + "-I " + url), HasSubstr("HTTP/2 200"));
  EXPECT_EQ(run(curl + "--http2 -d hello " + url), "5\n") << "Upgrade: h2c is answered in HTTP/1.1";
}

async::Task<void> tell_alpn(ServerExchange& exchange) {
  Result<std::string> body = co_await exchange.read_body(1 << 24);
  if (!body.ok() || exchange.tls() == nullptr) co_return;
  const ResponseHead head;
  const std::string text =
      fmt::format("{} {} {} {}\n", exchange.tls()->version, exchange.tls()->alpn,
                  exchange.tls()->server_name, body->size());
  (void)co_await exchange.respond(head, text);
}

TEST(Curl, TalksToTheServerOverTls) {
  if (std::system("command -v curl >/dev/null 2>&1") != 0) GTEST_SKIP() << "no curl here";
  const testing::TestCa ca;
  const testing::TestFolder folder;
  const CertifiedKey client = ca.issue({"curl"});
  HttpServerConfig config;
  TlsServerConfig tls;
  tls.certificates.push_back(testing::use(ca.issue({"localhost"})));
  tls.client_verify = ClientVerify::kRequired;
  tls.client_ca = ca.trusted();
  config.tls = *TlsServerSource::create(tls);
  testing::ServerFixture server(tell_alpn, config);
  const std::string url = fmt::format("https://localhost:{}", server.port());
  const std::string unknown =
      fmt::format("curl -sS --ipv4 --noproxy '*' --max-time 60 --cacert {} ",
                  folder.write("ca.pem", ca.root().chain_pem).string());
  const std::string curl =
      unknown + fmt::format("--cert {} --key {} ", folder.write("c.pem", client.chain_pem).string(),
                            folder.write("k.pem", client.key_pem).string());
  const std::string big = "head -c 3000000 /dev/zero | " + curl + "--data-binary @- ";
  EXPECT_EQ(run(curl + "--http1.1 -d hello " + url), "TLSv1.3 http/1.1 localhost 5\n");
  EXPECT_EQ(run(curl + "--http1.1 --tls-max 1.2 " + url), "TLSv1.2 http/1.1 localhost 0\n");
  EXPECT_EQ(run(big + "--http1.1 " + url), "TLSv1.3 http/1.1 localhost 3000000\n");
  EXPECT_EQ(run(curl + "--http2 -d hello " + url), "TLSv1.3 h2 localhost 5\n");
  EXPECT_EQ(run(big + "--http2 " + url), "TLSv1.3 h2 localhost 3000000\n");
  EXPECT_THAT(run(unknown + url), HasSubstr("curl: ("));
  EXPECT_THAT(run(curl + fmt::format("https://127.0.0.1:{}", server.port())),
              HasSubstr("curl: (60)"));
}

}  // namespace
}  // namespace nacelle::net::http
