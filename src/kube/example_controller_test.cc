// A controller as one is written, in forty lines: for every Widget a ConfigMap that says its size.
// kube/README.md explains it line by line.
#include <gtest/gtest.h>

#include "kube/controller.h"
#include "kube/informer.h"
#include "kube/testing/fake_api_server.h"

namespace nacelle::kube {
namespace {

const Resource kWidgets{"example.com", "v1", "widgets"};
const Resource kMaps{"", "v1", "configmaps"};

// [example]
class WidgetController {
 public:
  explicit WidgetController(Client& client)
      : client_(client),
        widgets_(client, {.resource = kWidgets, .name_space = "ns"}, add_all()),
        maps_(client, {.resource = kMaps, .name_space = "ns"}, add_all()),
        controller_(client.loop(), {.name = "widgets", .workers = 2},
                    [this](ObjectKey key) { return reconcile(std::move(key)); }) {}

  void start() {
    widgets_.start();
    maps_.start();
    controller_.start();
  }
  async::Task<void> stop() {
    co_await widgets_.stop();
    co_await maps_.stop();
    co_await controller_.stop();
  }

 private:
  // A map has the name of its widget: both lead to the same key.
  Informer::Handler add_all() {
    return [this](std::span<const ObjectChange> changes) {
      for (const ObjectChange& change : changes) controller_.add(change.key);
    };
  }

  async::Task<Result<Reconciled>> reconcile(ObjectKey key) {
    if (!widgets_.synced() || !maps_.synced()) co_return Reconciled{.again_after = 1ms};
    const CachedObject widget = widgets_.get(key), map = maps_.get(key);
    if (widget == nullptr && map == nullptr) co_return Reconciled{};
    const ObjectRef ref{kMaps, key.name_space, key.name, {}};
    if (widget == nullptr) co_return outcome(co_await client_.remove(ref));
    const std::string size = std::to_string(number_at(*widget, {"spec", "size"}).value_or(1));
    if (map != nullptr && text_at(*map, {"data", "size"}) == size) co_return Reconciled{};
    Json wanted = map != nullptr ? *map : Json{{"metadata", {{"name", key.name}}}};
    wanted["data"]["size"] = size;
    if (map != nullptr) co_return outcome(co_await client_.replace(ref, wanted));
    co_return outcome(co_await client_.create_object(kMaps, key.name_space, wanted));
  }

  // A conflict is no more than that: the watch brings what changed, and the key comes again.
  static Result<Reconciled> outcome(const Result<Answer>& answer) {
    if (const Status status = status_of(answer); !status.ok()) return status;
    return Reconciled{};
  }

  Client& client_;
  Informer widgets_, maps_;
  Controller controller_;
};
// [example]

const std::string kWidgetPath = "/apis/example.com/v1/namespaces/ns/widgets";
const std::string kMapPath = "/api/v1/namespaces/ns/configmaps";

Json widget(const char* name, int size) {
  return {{"metadata", {{"name", name}, {"namespace", "ns"}}}, {"spec", {{"size", size}}}};
}

std::string size_of(testing::FakeApiServer* server, const char* name) {
  const Json* map = server->object(kMapPath, name);
  return map == nullptr ? "none" : std::string(text_at(*map, {"data", "size"}));
}

async::Task<bool> until(testing::FakeApiServer* server, const char* name, const char* size) {
  const TimePoint deadline = std::chrono::steady_clock::now() + 20s;
  while (size_of(server, name) != size) {
    const Status waited = co_await server->activity().wait(deadline);
    if (!waited.ok()) co_return false;
  }
  co_return true;
}

async::Task<void> play(testing::FakeApiServer* server) {
  ClientConfig config;
  EXPECT_TRUE(set_server(fmt::format("http://127.0.0.1:{}", server->port()), config).ok());
  auto client = Client::create(server->loop(), config);
  WidgetController controller(**client);
  server->put(kWidgetPath, widget("a", 3));
  server->answer_next(500, "{}", 1);  // of the first lists
  controller.start();
  bool done = co_await until(server, "a", "3");
  EXPECT_TRUE(done);
  server->put(kWidgetPath, widget("b", 5));
  server->put(kWidgetPath, widget("a", 4));
  done = co_await until(server, "a", "4");
  EXPECT_TRUE(done);
  done = co_await until(server, "b", "5");
  EXPECT_TRUE(done);
  // Somebody meddles: it is put right. A widget goes: its map follows.
  server->put(kMapPath, {{"metadata", {{"name", "b"}, {"namespace", "ns"}}}});
  done = co_await until(server, "b", "5");
  EXPECT_TRUE(done);
  server->remove(kWidgetPath, "a");
  done = co_await until(server, "a", "none");
  EXPECT_TRUE(done);
  co_await controller.stop();
}

TEST(ExampleController, BringsWhatIsToWhatIsWanted) {
  testing::FakeApiServer server;
  async::run_blocking(server.loop(), play(&server));
}

}  // namespace
}  // namespace nacelle::kube
