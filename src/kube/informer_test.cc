#include "kube/informer.h"

#include <gtest/gtest.h>

#include "async/timer.h"
#include "kube/testing/await.h"

namespace nacelle::kube {
namespace {

using testing::FakeApiServer;

const Resource kPods{"", "v1", "pods"};
const std::string kPath = "/api/v1/namespaces/ml/pods";
constexpr Duration kPatience = std::chrono::seconds(20);

Json pod(const std::string& name, int generation = 0) {
  return {{"metadata",
           {{"name", name},
            {"namespace", "ml"},
            {"managedFields", {1, 2, 3}},
            {"labels", {{"generation", std::to_string(generation)}}}}}};
}

// An informer of the pods of one namespace, and what it told.
struct Watched {
  explicit Watched(FakeApiServer& server, InformerOptions options = {}) : server(server) {
    ClientConfig config;
    CHECK(set_server(fmt::format("http://127.0.0.1:{}", server.port()), config).ok());
    client = std::move(*Client::create(server.loop(), config));
    options.resource = kPods;
    options.name_space = "ml";
    options.backoff = {1ms, 2ms, 1s};
    informer = std::make_unique<Informer>(
        *client, options,
        [this](std::span<const ObjectChange> changes) {
          for (const ObjectChange& change : changes) {
            log += change.before == nullptr ? '+' : change.now == nullptr ? '-' : '~';
            log += change.key.name + ' ';
          }
          this->server.activity().pulse();
        },
        &informer_metrics);
  }

  [[nodiscard]] std::string names() const {
    std::string out;
    for (const auto& [key, object] : informer->objects()) out += key.name + " ";
    return out;
  }

  FakeApiServer& server;
  telemetry::Metrics metrics;
  InformerMetrics informer_metrics{metrics};
  std::unique_ptr<Client> client;
  std::unique_ptr<Informer> informer;
  std::string log;
};

// Runs a test's steps on the loop of a fresh server.
void with_server(async::Task<void> (*steps)(FakeApiServer*)) {
  FakeApiServer server;
  async::run_blocking(server.loop(), steps(&server));
}

async::Task<void> follow(FakeApiServer* server) {
  server->put(kPath, pod("a"));
  server->put(kPath, pod("b"));
  server->put(kPath, pod("c"));
  Watched watched(*server, {.page_objects = 2});
  watched.informer->start();
  NACELLE_AWAIT(server->open_watches() == 1);
  EXPECT_TRUE(watched.informer->synced());
  EXPECT_EQ(watched.log, "+a +b +c ");
  EXPECT_EQ(server->requests().at(0), kPath + "?limit=2&resourceVersion=0");
  EXPECT_EQ(server->requests().at(1), kPath + "?limit=2&continue=b");
  EXPECT_TRUE(server->requests().at(2).starts_with(
      kPath + "?watch=true&allowWatchBookmarks=true&resourceVersion=103&timeoutSeconds="));
  EXPECT_EQ(find(*watched.informer->objects().begin()->second, {"metadata", "managedFields"}),
            nullptr);

  server->put(kPath, pod("d"));
  server->put(kPath, pod("a", 1));
  server->remove(kPath, "b");
  NACELLE_AWAIT(watched.log.ends_with("-b "));
  EXPECT_EQ(watched.log, "+a +b +c +d ~a -b ");
  EXPECT_EQ(watched.names(), "a c d ");

  // A watch that ends goes on from the last version, and a bookmark counts.
  server->bookmark(kPath);
  server->end_watches();
  NACELLE_AWAIT(server->requests().size() == 4);
  EXPECT_NE(server->requests().back().find("resourceVersion=107&"), std::string::npos)
      << server->requests().back();
  co_await watched.informer->stop();
}

TEST(Informer, ListsInPagesThenFollowsEveryChange) { with_server(follow); }

async::Task<void> indexed(FakeApiServer* server) {
  server->put(kPath, pod("a", 1));
  server->put(kPath, pod("b", 2));
  Watched watched(*server);
  Informer& pods = *watched.informer;
  pods.add_index("generation", by_label("generation"));
  pods.start();
  NACELLE_AWAIT(server->open_watches() == 1);
  EXPECT_EQ(pods.find("generation", "1").size(), 1u);
  server->put(kPath, pod("a", 2));
  server->remove(kPath, "b");
  server->put(kPath, pod("c", 2));
  NACELLE_AWAIT(watched.log.ends_with("+c "));
  EXPECT_TRUE(pods.find("generation", "1").empty());
  const auto second = pods.find("generation", "2");
  EXPECT_EQ(second.size(), 2u);
  EXPECT_EQ(second.front(), pods.get({"ml", "a"}));
  EXPECT_EQ(pods.get({"ml", "b"}), nullptr);
  co_await pods.stop();
}

TEST(Informer, IndexesFollowTheObjects) { with_server(indexed); }

async::Task<void> gone(FakeApiServer* server) {
  server->put(kPath, pod("a"));
  server->put(kPath, pod("b"));
  Watched watched(*server);
  watched.informer->start();
  NACELLE_AWAIT(server->open_watches() == 1);
  // Changes while nobody watches, and a history too short to tell them.
  server->answer_next(503, "{}", 2);
  server->break_watches();
  NACELLE_AWAIT(server->requests().size() >= 4);
  server->remove(kPath, "a");
  server->put(kPath, pod("b", 1));
  server->put(kPath, pod("c"));
  server->forget_history();
  NACELLE_AWAIT(watched.names() == "b c ");
  EXPECT_EQ(watched.log, "+a +b -a ~b +c ");
  EXPECT_TRUE(watched.informer->connected());
  co_await watched.informer->stop();
}

TEST(Informer, AShortHistoryIsListedAgainAndTellsWhatVanished) { with_server(gone); }

async::Task<void> away(FakeApiServer* server) {
  server->put(kPath, pod("a"));
  Watched watched(*server);
  watched.informer->start();
  NACELLE_AWAIT(server->open_watches() == 1);
  const std::size_t before = server->requests().size();
  server->answer_next(500, "no JSON", 5);
  server->break_watches();
  // While the third refusal is answered the second one was seen.
  NACELLE_AWAIT(server->requests().size() == before + 3);
  EXPECT_FALSE(watched.informer->connected());
  EXPECT_TRUE(watched.informer->synced());
  EXPECT_EQ(watched.names(), "a ");
  EXPECT_NE(watched.metrics.serialize().find("nacelle_kube_connected{collection=\"pods in ml\"} 0"),
            std::string::npos);
  NACELLE_AWAIT(server->open_watches() == 1);
  EXPECT_TRUE(watched.informer->connected());
  EXPECT_EQ(watched.log, "+a ");
  co_await watched.informer->stop();
}

TEST(Informer, AServerThatIsAwayLeavesTheObjects) { with_server(away); }

async::Task<void> garbage(FakeApiServer* server) {
  server->put(kPath, pod("a"));
  Watched watched(*server);
  watched.informer->start();
  NACELLE_AWAIT(server->open_watches() == 1);
  for (const std::string raw :
       {"garbage\n", "{\"type\":\"ADDED\"}\n", "{\"type\":\"NEW\",\"object\":{}}\n", "[]\n",
        "{\"type\":\"ERROR\",\"object\":{\"code\":500}}\n", "{\"type\":\"ADDED\",\"obj"}) {
    const std::size_t before = server->requests().size();
    server->spoil_watches(raw);
    // It lists again, then watches.
    NACELLE_AWAIT(server->requests().size() >= before + 2 && server->open_watches() == 1);
    EXPECT_EQ(watched.names(), "a ") << raw;
  }
  EXPECT_EQ(watched.log, "+a ");
  co_await watched.informer->stop();
}

TEST(Informer, GarbageInAWatchIsListedAnew) { with_server(garbage); }

async::Task<void> absent(FakeApiServer* server) {
  server->answer_next(404, R"({"kind":"Status","status":"Failure","code":404})");
  Watched watched(*server, {.optional = true, .absent_period = 1ms});
  server->put(kPath, pod("a"));
  watched.informer->start();
  NACELLE_AWAIT(watched.informer->synced());
  EXPECT_EQ(watched.names(), "");
  EXPECT_TRUE(watched.informer->connected());
  NACELLE_AWAIT(watched.names() == "a ");
  co_await watched.informer->stop();
}

TEST(Informer, AKindThatIsNotInstalledIsAnEmptyCollection) { with_server(absent); }

async::Task<void> expired_list(FakeApiServer* server) {
  server->put(kPath, pod("a"));
  server->answer_next(410, R"({"kind":"Status","status":"Failure","reason":"Expired","code":410})");
  Watched watched(*server);
  watched.informer->start();
  NACELLE_AWAIT(watched.informer->synced());
  EXPECT_EQ(server->requests().at(1), kPath);  // the newest, in one piece
  co_await watched.informer->stop();
}

TEST(Informer, AListThatExpiredIsAskedWithoutAVersion) { with_server(expired_list); }

async::Task<void> old_event(FakeApiServer* server) {
  server->put(kPath, pod("a", 1));
  Watched watched(*server);
  watched.informer->start();
  NACELLE_AWAIT(server->open_watches() == 1);
  Json old = pod("a", 0);
  old["metadata"]["resourceVersion"] = "7";
  server->spoil_watches(Json{{"type", "MODIFIED"}, {"object", old}}.dump() + "\n");
  const std::size_t before = server->requests().size();
  NACELLE_AWAIT(server->requests().size() > before);
  EXPECT_EQ(watched.log, "+a ");
  co_await watched.informer->stop();
}

TEST(Informer, AnOlderVersionOfAnObjectIsNotTold) { with_server(old_event); }

}  // namespace
}  // namespace nacelle::kube
