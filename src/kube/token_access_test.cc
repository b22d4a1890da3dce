#include "kube/token_access.h"

#include <gtest/gtest.h>

#include "async/task_scope.h"
#include "kube/testing/fake_api_server.h"

namespace nacelle::kube {
namespace {

using testing::FakeApiServer;
using Verdict = TokenAccess::Verdict;

const char* const kKnown =
    R"({"status":{"authenticated":true,"user":{"username":"prometheus","groups":["g"]}}})";
const char* const kStranger = R"({"status":{"authenticated":false,"error":"no"}})";
const char* const kMay = R"({"status":{"allowed":true}})";
const char* const kMayNot = R"({"status":{"allowed":false,"reason":"no rule"}})";

struct Guard {
  explicit Guard(FakeApiServer& server) : server(server) {
    ClientConfig config;
    CHECK(set_server(fmt::format("http://127.0.0.1:{}", server.port()), config).ok());
    client = std::move(*Client::create(server.loop(), config));
    access.emplace(*client, clock);
  }
  void answers(std::initializer_list<const char*> bodies) {
    for (const char* body : bodies) server.answer_next(201, body);
  }
  FakeApiServer& server;
  ManualClock clock;
  std::unique_ptr<Client> client;
  std::optional<TokenAccess> access;
};

async::Task<void> expect(Guard* guard, std::string token, Verdict wanted, std::size_t requests) {
  const std::size_t before = guard->server.requests().size();
  const Verdict got = co_await guard->access->may_get(token, "/metrics");
  EXPECT_EQ(got, wanted) << token;
  EXPECT_EQ(guard->server.requests().size() - before, requests) << token;
}

async::Task<void> verdicts(FakeApiServer* server) {
  Guard guard(*server);
  guard.answers({kKnown, kMay});
  co_await expect(&guard, "good", Verdict::kAllowed, 2);
  EXPECT_NE(server->requests()[0].find("/apis/authentication.k8s.io/v1/tokenreviews"),
            std::string::npos);
  EXPECT_NE(server->requests()[1].find("/apis/authorization.k8s.io/v1/subjectaccessreviews"),
            std::string::npos);
  guard.answers({kStranger});
  co_await expect(&guard, "stranger", Verdict::kUnauthenticated, 1);
  guard.answers({kKnown, kMayNot});
  co_await expect(&guard, "known", Verdict::kForbidden, 2);
  co_await expect(&guard, "", Verdict::kUnauthenticated, 0);
  co_await expect(&guard, std::string(TokenAccess::kMaxTokenBytes + 1, 'x'),
                  Verdict::kUnauthenticated, 0);
}

TEST(TokenAccess, AsksWhoItIsAndWhetherTheyMay) {
  FakeApiServer server;
  async::run_blocking(server.loop(), verdicts(&server));
}

async::Task<void> kept(FakeApiServer* server) {
  Guard guard(*server);
  guard.answers({kKnown, kMay});
  co_await expect(&guard, "good", Verdict::kAllowed, 2);
  guard.clock.advance(TokenAccess::kKeepAllowed - 1s);
  co_await expect(&guard, "good", Verdict::kAllowed, 0);
  guard.clock.advance(1s);
  guard.answers({kKnown, kMayNot});  // the right was taken
  co_await expect(&guard, "good", Verdict::kForbidden, 2);
  guard.clock.advance(TokenAccess::kKeepRefused - 1s);
  co_await expect(&guard, "good", Verdict::kForbidden, 0);
  guard.clock.advance(1s);
  guard.answers({kKnown, kMay});
  co_await expect(&guard, "good", Verdict::kAllowed, 2);
}

TEST(TokenAccess, AnswersAreKeptForAWhile) {
  FakeApiServer server;
  async::run_blocking(server.loop(), kept(&server));
}

async::Task<void> unknown(FakeApiServer* server) {
  Guard guard(*server);
  server->answer_next(403, R"({"kind":"Status","status":"Failure","code":403})");
  co_await expect(&guard, "good", Verdict::kUnknown, 1);
  guard.answers({kKnown});
  server->answer_next(500, "{}");
  co_await expect(&guard, "good", Verdict::kUnknown, 2);
  for (const char* nonsense : {"[]", R"({"status":7})", R"({"status":{"authenticated":"yes"}})"}) {
    guard.answers({nonsense});
    const Verdict got = co_await guard.access->may_get(nonsense, "/metrics");
    EXPECT_NE(got, Verdict::kAllowed) << nonsense;
  }
  guard.answers({kKnown, kMay});  // what was not known is not kept
  co_await expect(&guard, "good", Verdict::kAllowed, 2);
}

TEST(TokenAccess, DoesNotGuess) {
  FakeApiServer server;
  async::run_blocking(server.loop(), unknown(&server));
}

async::Task<void> ask_once(Guard* guard, int number, std::vector<Verdict>* out) {
  const std::string token = fmt::format("token {}", number);
  out->push_back(co_await guard->access->may_get(token, "/metrics"));
}

async::Task<void> flood(FakeApiServer* server) {
  Guard guard(*server);
  server->answer_next(201, kStranger, 1000);
  std::vector<Verdict> verdicts;
  {
    async::StopScope scope(server->loop());
    for (int i = 0; i < 100; ++i) scope.spawn(ask_once(&guard, i, &verdicts));
    co_await scope.join();
  }
  EXPECT_EQ(std::count(verdicts.begin(), verdicts.end(), Verdict::kUnauthenticated),
            static_cast<long>(TokenAccess::kMaxOpen));
  EXPECT_EQ(server->requests().size(), TokenAccess::kMaxOpen);
}

TEST(TokenAccess, AFloodOfTokensIsNoFloodOfQuestions) {
  FakeApiServer server;
  async::run_blocking(server.loop(), flood(&server));
}

}  // namespace
}  // namespace nacelle::kube
