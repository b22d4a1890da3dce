// How a client proves who it is, against a real server over TLS.
#include "kube/http_transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "async/task_scope.h"
#include "async/timer.h"
#include "base/file.h"
#include "kube/client.h"
#include "kube/credentials/tls_files.h"
#include "net/testing/server_fixture.h"
#include "net/testing/test_ca.h"
#include "net/testing/test_folder.h"

namespace nacelle::kube {
namespace {

using net::http::ServerExchange;
using net::testing::TestCa;
using net::testing::TestFolder;
using ::testing::HasSubstr;

// Answers {"authorization", "subject", ...} of each request; 401 for `refused`.
struct SecureServer {
  explicit SecureServer(net::ClientVerify verify = net::ClientVerify::kNone) {
    net::TlsServerConfig tls;
    tls.certificates.push_back(net::testing::use(ca.issue({"api.test", "127.0.0.1"})));
    tls.client_verify = verify;
    if (verify != net::ClientVerify::kNone) tls.client_ca = ca.trusted();
    net::http::HttpServerConfig config;
    config.tls = *net::TlsServerSource::create(tls);
    fixture = std::make_unique<net::testing::ServerFixture>(
        [this](ServerExchange& exchange) { return serve(this, exchange); }, config);
  }

  static async::Task<void> serve(SecureServer* self, ServerExchange& exchange) {
    const std::string credential(exchange.request().headers.get("authorization"));
    ++self->requests;
    net::http::ResponseHead head;
    if (credential == self->refused) head.status = 401;
    Json body{{"authorization", credential},
              {"as", exchange.request().headers.get("impersonate-user")}};
    if (exchange.tls() != nullptr && exchange.tls()->peer) {
      body["subject"] = exchange.tls()->peer->subject;
    }
    const std::string text = body.dump();
    (void)co_await exchange.respond(head, text);
  }

  [[nodiscard]] ClientConfig config() const {
    ClientConfig out;
    CHECK(set_server(fmt::format("https://127.0.0.1:{}", fixture->port()), out).ok());
    out.tls_config.ca = ca.trusted();
    return out;
  }

  // One request of a client that lives for `rounds` of them.
  Result<Answer> ask(const ClientConfig& config, int rounds = 1) {
    return fixture->run(ask_on(&fixture->loop(), config, rounds));
  }
  static async::Task<Result<Answer>> ask_on(async::Loop* loop, ClientConfig config, int rounds) {
    auto client = Client::create(*loop, std::move(config));
    if (!client.ok()) co_return client.error();
    for (;;) {
      auto answer = co_await (*client)->call(Call("/"));
      if (--rounds == 0) co_return answer;
    }
  }

  TestCa ca;
  std::string refused = "Bearer old";
  int requests = 0;
  std::unique_ptr<net::testing::ServerFixture> fixture;
};

std::string credential_of(const Result<Answer>& answer) {
  if (!answer.ok()) return answer.error().message();
  if (answer->error) return fmt::format("{}", answer->error->code);
  return std::string(text_at(answer->body, {"authorization"}));
}

TEST(HttpTransport, TrustIsByCaAndName) {
  SecureServer server;
  ClientConfig config = server.config();
  config.token = "t";
  EXPECT_EQ(credential_of(server.ask(config)), "Bearer t");
  config.tls_config.server_name = "api.test";
  EXPECT_EQ(credential_of(server.ask(config)), "Bearer t");
  config.tls_config.server_name = "other.test";
  EXPECT_EQ(status_of(server.ask(config)).code(), Code::kUnavailable);
  const TestCa other;
  config = server.config();
  config.tls_config.ca = other.trusted();
  EXPECT_EQ(status_of(server.ask(config)).code(), Code::kUnavailable);
  config.tls_config.ca = {};
  config.tls_config.verify = false;
  config.basic = "u:p";
  config.impersonate.user = "alice";
  const auto answer = server.ask(config);
  EXPECT_EQ(credential_of(answer), "Basic dTpw");
  EXPECT_EQ(text_at(answer->body, {"as"}), "alice");
}

TEST(HttpTransport, ATokenFileIsReadAgainWhenItsTokenIsRefused) {
  SecureServer server;
  const TestFolder folder;
  ClientConfig config = server.config();
  config.token = "never";
  config.token_file = folder.write("token", "old\n");
  EXPECT_EQ(credential_of(server.ask(config)), "401");
  EXPECT_EQ(server.requests, 1);  // the file has no other one
  // The file changes while the first answer is on its way.
  class Rotate {
   public:
    Rotate(SecureServer& server, const TestFolder& folder) : server_(server), folder_(folder) {}
    async::Task<std::string> run(ClientConfig config) {
      auto client = Client::create(server_.fixture->loop(), std::move(config));
      (void)co_await (*client)->call(Call("/"));
      folder_.write("token", "new\n");
      auto answer = co_await (*client)->call(Call("/"));
      co_return credential_of(answer);
    }

   private:
    SecureServer& server_;
    const TestFolder& folder_;
  } rotate(server, folder);
  EXPECT_EQ(server.fixture->run(rotate.run(config)), "Bearer new");
}

TEST(HttpTransport, OurCertificateIsShown) {
  SecureServer server(net::ClientVerify::kRequired);
  ClientConfig config = server.config();
  EXPECT_FALSE(server.ask(config).ok());
  const net::CertifiedKey key = server.ca.issue({"bot"});
  config.tls_config.certificate = {{}, key.chain_pem};
  config.tls_config.key = {{}, key.key_pem};
  const auto answer = server.ask(config);
  ASSERT_TRUE(answer.ok()) << answer.error().message();
  EXPECT_EQ(text_at(answer->body, {"subject"}), "CN=bot");
}

TEST(TlsFiles, AChangedFileMakesAnotherContextAndABrokenOneNone) {
  const TestCa ca;
  const TestFolder folder;
  const net::CertifiedKey first = ca.issue({"one"});
  net::TlsClientConfig config;
  config.certificate.file = folder.write("tls.crt", first.chain_pem);
  config.key.file = folder.write("tls.key", first.key_pem);
  TimePoint now{std::chrono::hours(1)};
  auto files = TlsFiles::create(config, now);
  ASSERT_TRUE(files.ok());
  const auto before = (*files)->context(now);
  const net::CertifiedKey second = ca.issue({"two"});
  folder.write("tls.crt", second.chain_pem);
  EXPECT_EQ((*files)->context(now += TlsFiles::kPeriod / 2), before);  // not looked at yet
  EXPECT_EQ((*files)->context(now += TlsFiles::kPeriod), before);      // the key is another's
  folder.write("tls.key", second.key_pem);
  const auto after = (*files)->context(now += TlsFiles::kPeriod);
  EXPECT_NE(after, before);
  EXPECT_EQ((*files)->context(now += TlsFiles::kPeriod), after);
  folder.write("tls.crt", "nonsense");
  EXPECT_EQ((*files)->context(now += TlsFiles::kPeriod), after);
  // A plugin's certificate goes over it, and may go again.
  ASSERT_TRUE((*files)->use_certificate(first.chain_pem, first.key_pem).ok());
  const auto plugin = (*files)->context(now);
  EXPECT_NE(plugin, after);
  ASSERT_TRUE((*files)->use_certificate(first.chain_pem, first.key_pem).ok());
  EXPECT_EQ((*files)->context(now), plugin);
  EXPECT_FALSE((*files)->use_certificate("nonsense", first.key_pem).ok());
  EXPECT_EQ((*files)->context(now), plugin);
}

// A plugin as a shell script that counts its runs in a file.
struct Plugin {
  explicit Plugin(const std::string& script) {
    const auto file = folder.write(
        "plugin", "#!/bin/sh\necho run >> " + (folder.path() / "runs").string() + "\n" + script);
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    exec.api_version = "client.authentication.k8s.io/v1";
    exec.command = file.string();
  }
  [[nodiscard]] std::size_t runs() const {
    auto text = read_file(folder.path() / "runs");
    return text.ok() ? text->size() / 4 : 0;
  }

  TestFolder folder;
  ExecConfig exec;
};

std::string credential(const std::string& status) {
  return "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\","
         "\"status\":" +
         status + "}'\n";
}

TEST(ExecPlugin, ItsTokenIsKeptUntilItExpires) {
  SecureServer server;
  Plugin plugin("[ \"$FROM_CONFIG\" = yes ] || exit 9\n" + credential("{\"token\":\"t$1\"}"));
  // Quotes of sh keep $1 as it is: the server sees the very text.
  plugin.exec.environment = {{"FROM_CONFIG", "yes"}};
  ClientConfig config = server.config();
  config.exec = plugin.exec;
  EXPECT_EQ(credential_of(server.ask(config, 3)), "Bearer t$1");
  EXPECT_EQ(plugin.runs(), 1u);
  Plugin old(credential("{\"token\":\"t\",\"expirationTimestamp\":\"2020-01-01T00:00:00Z\"}"));
  config.exec = old.exec;
  EXPECT_EQ(credential_of(server.ask(config, 3)), "Bearer t");
  EXPECT_EQ(old.runs(), 3u);
  Plugin later(
      credential("{\"token\":\"t\",\"expirationTimestamp\":\"2220-01-01T00:00:00+01:00\"}"));
  config.exec = later.exec;
  EXPECT_EQ(credential_of(server.ask(config, 3)), "Bearer t");
  EXPECT_EQ(later.runs(), 1u);
}

TEST(ExecPlugin, ARefusedTokenIsAskedForAgain) {
  SecureServer server;
  Plugin plugin("if [ $(wc -l < \"$RUNS\") -gt 1 ]; then\n" + credential("{\"token\":\"new\"}") +
                "else\n" + credential("{\"token\":\"old\"}") + "fi\n");
  plugin.exec.environment = {{"RUNS", (plugin.folder.path() / "runs").string()}};
  ClientConfig config = server.config();
  config.exec = plugin.exec;
  EXPECT_EQ(credential_of(server.ask(config)), "Bearer new");
  EXPECT_EQ(plugin.runs(), 2u);
  Plugin stubborn(credential("{\"token\":\"old\"}"));
  config.exec = stubborn.exec;
  EXPECT_EQ(credential_of(server.ask(config)), "401");
  EXPECT_EQ(stubborn.runs(), 2u);
}

TEST(ExecPlugin, ItsFailuresAreToldWithItsOwnWords) {
  SecureServer server;
  const struct {
    const char* script;
    const char* why;
  } rows[] = {
      {"echo the session expired >&2\nexit 3\n", "exit code 3: the session expired"},
      {"kill -9 $$\n", "ended by signal 9"},
      {"echo secret\n", "its 7 bytes of output are no ExecCredential"},
      {"echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"v0\"}'\n",
       "it answers in apiVersion 'v0'"},
  };
  for (const auto& row : rows) {
    Plugin plugin(row.script);
    ClientConfig config = server.config();
    config.exec = plugin.exec;
    const Status status = status_of(server.ask(config));
    EXPECT_EQ(status.code(), Code::kUnauthenticated);
    EXPECT_THAT(status.message(), HasSubstr(row.why));
    EXPECT_EQ(status.message().find("secret"), std::string::npos);
  }
  ClientConfig config = server.config();
  config.exec = ExecConfig{.api_version = "client.authentication.k8s.io/v1",
                           .command = "nacelle-plugin-that-is-not-there",
                           .install_hint = "See the manual."};
  EXPECT_THAT(status_of(server.ask(config)).message(), HasSubstr("See the manual."));
  EXPECT_EQ(server.requests, 0);
}

TEST(ExecPlugin, ItsCertificateIsShown) {
  SecureServer server(net::ClientVerify::kRequired);
  const net::CertifiedKey key = server.ca.issue({"plugin"});
  Plugin plugin("cat \"$0.out\"\n");
  const Json printed{
      {"kind", "ExecCredential"},
      {"apiVersion", plugin.exec.api_version},
      {"status", {{"clientCertificateData", key.chain_pem}, {"clientKeyData", key.key_pem}}}};
  plugin.folder.write("plugin.out", printed.dump());
  ClientConfig config = server.config();
  config.exec = plugin.exec;
  const auto answer = server.ask(config);
  ASSERT_TRUE(answer.ok()) << answer.error().message();
  EXPECT_EQ(text_at(answer->body, {"subject"}), "CN=plugin");
}

TEST(ExecPlugin, IsToldOfTheCluster) {
  SecureServer server;
  Plugin plugin("printf %s \"$KUBERNETES_EXEC_INFO\" > \"$0.info\"\n" +
                credential("{\"token\":\"t\"}"));
  plugin.exec.provide_cluster_info = true;
  plugin.exec.cluster_config = {{"region", "north"}};
  ClientConfig config = server.config();
  config.exec = plugin.exec;
  ASSERT_EQ(credential_of(server.ask(config)), "Bearer t");
  const Json info = Json::parse(*read_file(plugin.folder.path() / "plugin.info"));
  EXPECT_EQ(info["spec"]["interactive"], false);
  EXPECT_EQ(info["spec"]["cluster"]["server"], config.server);
  EXPECT_EQ(info["spec"]["cluster"]["config"]["region"], "north");
  EXPECT_FALSE(text_at(info, {"spec", "cluster", "certificate-authority-data"}).empty());
}

async::Task<void> start_and_drop(async::Loop* loop, ClientConfig config,
                                 std::filesystem::path started) {
  auto client = Client::create(*loop, std::move(config));
  async::StopScope scope(*loop);
  const auto one = [](Client* client) -> async::Task<void> {
    (void)co_await client->call(Call("/"));
  };
  scope.spawn(one(client->get()));
  std::error_code ignored;
  while (!std::filesystem::exists(started, ignored)) co_await async::sleep_for(1ms);
  scope.cancel();
  co_await scope.join();
  client->reset();  // kills the program, which would run for ever
}

TEST(ExecPlugin, EndsWithItsClient) {
  SecureServer server;
  Plugin plugin("exec sleep 100000\n");
  ClientConfig config = server.config();
  config.exec = plugin.exec;
  server.fixture->run(
      start_and_drop(&server.fixture->loop(), config, plugin.folder.path() / "runs"));
}

}  // namespace
}  // namespace nacelle::kube
