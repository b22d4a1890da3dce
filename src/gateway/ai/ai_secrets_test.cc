// ai_secrets_test.cc: whatever happens, no key shows in a log, in an error, or on the admin port.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/ai/testing/ai_fixture.h"
#include "net/testing/raw_client.h"
#include "telemetry/log.h"

namespace nacelle::gateway::ai {
namespace {

using namespace testing;  // NOLINT: the fixture's words
using ::testing::HasSubstr;
using ::testing::Not;

// The process's log goes to a file, down to its last detail, while this lives.
class CapturedLog {
 public:
  CapturedLog() : path_(::testing::TempDir() + fmt::format("nacelle-log-{}", ::getpid())) {
    std::filesystem::remove(path_);
    telemetry::log::Config config;
    config.level = telemetry::log::Level::kDebug;
    config.file = path_;
    EXPECT_TRUE(telemetry::log::configure(config).ok());
  }
  ~CapturedLog() {
    (void)telemetry::log::configure({});
    std::filesystem::remove(path_);
  }
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;
  [[nodiscard]] std::string text() const { return *read_file(path_, 16 << 20); }

 private:
  std::string path_;
};

class AiSecrets : public AiFixture {};

TEST_F(AiSecrets, NoKeyIsShownAnywhere) {
  const CapturedLog captured;
  const std::string access = ::testing::TempDir() + fmt::format("nacelle-access-{}", ::getpid());
  std::filesystem::remove(access);
  Provider good{.body = kAnswer};
  Provider failing{.status = 500, .body = R"({"error":{"message":"broken"}})"};
  const std::string objects =
      base_objects("  accessLog: {path: " + access +
                   "}\n  tracing: {endpoint: 'http://127.0.0.1:1/v1/traces', headers: "
                   "{authorization: hunter2-trace}}") +
      provider("a", "OpenAI", upstream(good.handler())) +
      provider("f", "OpenAI", upstream(failing.handler())) +
      provider("dead", "OpenAI", "127.0.0.1:1") + ai_route("{name: a}", R"(
  - {matches: [{headers: [{name: x-ai-eg-model, value: f}]}], backendRefs: [{name: f}]}
  - {matches: [{headers: [{name: x-ai-eg-model, value: dead}]}], backendRefs: [{name: dead}]})") +
      gateway::testing::service("plain", {"127.0.0.1:1"}) + gateway::testing::route("r", R"(
  - {matches: [{path: {value: /plain}}], backendRefs: [{name: plain, port: 80}]})") +
      keys("", "[m, f, dead]") + books();
  start(objects);
  std::string shown;  // all that anybody can read
  const auto post = [&](const std::string& path, const HeaderList& headers,
                        const std::string& model) {
    const Answer answer =
        ask("POST", path, headers,
            fmt::format(R"({{"model":"{}","messages":[{{"role":"user","content":"hunter2"}}]}})",
                        model));
    for (const auto& field : answer.headers)
      shown += fmt::format("{}: {}\n", field.name, field.value);
    shown += answer.body;
    return answer.code;
  };
  HeaderList mine = kKeyA;
  for (const char* name :
       {"x-api-key", "api-key", "cookie", "x-aigw-api-key", "proxy-authorization", "x-goog-api-key",
        "x-aigw-aws-secret-access-key"}) {
    mine.emplace_back(name, "hunter2-header");
  }
  EXPECT_EQ(post("/v1/chat/completions?api_key=hunter2&access_token=hunter2", mine, "m"), 200);
  EXPECT_EQ(post("/v1/chat/completions", mine, "f"), 500);
  EXPECT_EQ(post("/v1/chat/completions", mine, "dead"), 503);
  EXPECT_EQ(post("/v1/messages", {{"authorization", "Bearer hunter2-wrong"}}, "m"), 401);
  EXPECT_EQ(post("/v1/messages", {{"x-api-key", "key-gone"}}, "m"), 403);
  EXPECT_EQ(post("/plain?sig=hunter2", mine, "m"), 503);
  EXPECT_EQ(post("/nothing?password=hunter2", mine, "m"), 404);
  {
    net::testing::RawClient broken(gateway_->port());
    broken.send("GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer hunter2\r\nbad line\r\n\r\n");
    shown += broken.read_to_end();
  }
  // Mistakes beside a secret are told without it.
  for (const std::string& extra :
       {std::string("\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"
                    "data: {key: 'not/base64!hunter2'}\n"),
        std::string("\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"
                    "stringData: {apiKey: hunter2}\nwrong: hunter2\n"),
        std::string("\n---\napiVersion: gateway.nacelle.dev/v1alpha1\nkind: ClientKeySet\n"
                    "metadata: {name: x}\nspec: {keys: [{id: q, sha256: hunter2}]}\n")}) {
    const Status refused = apply(objects + extra);
    ASSERT_FALSE(refused.ok()) << extra;
    gateway_->refuse(refused);
    shown += refused.message() + "\n";
  }
  for (const char* path : {"/config", "/metrics", "/endpoints", "/usage", "/ready", "/nothing"})
    shown += admin(path);
  EXPECT_THAT(shown, HasSubstr("team-a")) << "the id of a key is no secret";
  (void)async::run_blocking(runtime_.loop(0),
                            gateway_->drain(std::chrono::steady_clock::now()));  // logs end
  const std::string log = captured.text();
  EXPECT_THAT(log, HasSubstr("endpoint failed before its first byte"));
  const std::string lines = *read_file(access, 1 << 20);
  EXPECT_THAT(lines, HasSubstr("\"client_key\":\"team-a\""));
  EXPECT_THAT(lines, HasSubstr("[REDACTED]"));
  for (const std::string& where : {shown, log, lines}) {
    for (const char* never : {"hunter2", "key-a", "key-gone", "sk-provider"}) {
      const std::size_t at = where.find(never);
      EXPECT_EQ(at, std::string::npos)
          << never << " in: " << where.substr(at < 200 ? 0 : at - 200, 300);
    }
  }
  std::filesystem::remove(access);
}

}  // namespace
}  // namespace nacelle::gateway::ai
