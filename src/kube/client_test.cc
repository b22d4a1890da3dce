// What the client sends and makes of answers, against a handler of this process.
#include "kube/client.h"

#include <gtest/gtest.h>

#include <deque>

#include "async/runtime.h"
#include "kube/local_transport.h"
#include "kube/warning.h"

namespace nacelle::kube {
namespace {

using net::http::ServerExchange;

const Resource kMaps{"", "v1", "configmaps"};
const Resource kDeployments{"apps", "v1", "deployments"};

struct Scripted {
  int status = 200;
  std::string body = "{}";
  std::vector<std::pair<std::string, std::string>> headers;
};

// An API that writes down what it is asked and answers by a script; {} at its end.
struct Script {
  std::deque<Scripted> answers;
  std::vector<std::string> asked;  // "PUT /path?query content/type body"

  static async::Task<void> serve(Script* self, ServerExchange& exchange) {
    std::string line = exchange.request().method + " " + exchange.request().target;
    auto body = co_await exchange.read_body(1 << 20);
    if (body.ok() && !body->empty()) {
      line += " " + std::string(exchange.request().headers.get("content-type")) + " " + *body;
    }
    self->asked.push_back(std::move(line));
    Scripted next;
    if (!self->answers.empty()) {
      next = self->answers.front();
      self->answers.pop_front();
    }
    net::http::ResponseHead head;
    head.status = next.status;
    for (const auto& [name, value] : next.headers) head.headers.add(name, value);
    (void)co_await exchange.respond(head, next.body);
  }
};

struct Local {
  Local() {
    runtime.start();
    transport = std::make_shared<LocalTransport>(
        runtime.loop(0), [this](ServerExchange& e) { return Script::serve(&script, e); });
    client = std::make_unique<Client>(transport, ClientIdentity{.user_agent = "tester/1.0"});
  }
  ~Local() { run(transport->stop()); }
  template <class T>
  T run(async::Task<T> task) {
    return async::run_blocking(runtime.loop(0), std::move(task));
  }

  async::Runtime runtime{1};
  Script script;
  std::shared_ptr<LocalTransport> transport;
  std::unique_ptr<Client> client;
};

TEST(Client, WritesSayWhoWritesAndHow) {
  Local local;
  Client& client = *local.client;
  const ObjectRef map{kMaps, "ns", "m"};
  const ObjectRef web{kDeployments, "ns", "web"};
  const Json object{{"a", 1}};
  WriteOptions careful;
  careful.field_manager = "m2";
  careful.validation = FieldValidation::kStrict;
  careful.dry_run = true;
  DeleteOptions foreground;
  foreground.propagation = Propagation::kForeground;
  foreground.grace_seconds = 0;
  foreground.uid = "u";
  foreground.dry_run = true;
  ListOptions labelled;
  labelled.label_selector = "a=b";
  const auto expect = [&](async::Task<Result<Answer>> call, const std::string& line) {
    auto answer = local.run(std::move(call));
    ASSERT_TRUE(answer.ok() && answer->ok()) << line;
    EXPECT_EQ(local.script.asked.back(), line);
  };
  expect(client.get(map), "GET /api/v1/namespaces/ns/configmaps/m");
  expect(client.create_object(kMaps, "ns", object),
         "POST /api/v1/namespaces/ns/configmaps?fieldManager=tester application/json {\"a\":1}");
  expect(client.replace({kDeployments, "ns", "web", "status"}, object),
         "PUT /apis/apps/v1/namespaces/ns/deployments/web/status?fieldManager=tester "
         "application/json {\"a\":1}");
  expect(client.patch(map, PatchType::kMerge, object, careful),
         "PATCH /api/v1/namespaces/ns/configmaps/m?fieldManager=m2&fieldValidation=Strict&"
         "dryRun=All application/merge-patch+json {\"a\":1}");
  expect(client.patch(map, PatchType::kStrategic, object),
         "PATCH /api/v1/namespaces/ns/configmaps/m?fieldManager=tester "
         "application/strategic-merge-patch+json {\"a\":1}");
  expect(client.patch(map, PatchType::kJson, Json::array({object})),
         "PATCH /api/v1/namespaces/ns/configmaps/m?fieldManager=tester "
         "application/json-patch+json [{\"a\":1}]");
  expect(client.apply(map, object),
         "PATCH /api/v1/namespaces/ns/configmaps/m?fieldManager=tester&force=true "
         "application/apply-patch+yaml {\"a\":1}");
  expect(client.apply(map, object, {}),
         "PATCH /api/v1/namespaces/ns/configmaps/m?fieldManager=tester&force=false "
         "application/apply-patch+yaml {\"a\":1}");
  expect(client.scale(web, 3),
         "PATCH /apis/apps/v1/namespaces/ns/deployments/web/scale?fieldManager=tester "
         "application/merge-patch+json {\"spec\":{\"replicas\":3}}");
  expect(client.remove(map),
         "DELETE /api/v1/namespaces/ns/configmaps/m application/json "
         "{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\"}");
  expect(client.remove(map, foreground),
         "DELETE /api/v1/namespaces/ns/configmaps/m application/json "
         "{\"apiVersion\":\"v1\",\"dryRun\":[\"All\"],\"gracePeriodSeconds\":0,"
         "\"kind\":\"DeleteOptions\",\"preconditions\":{\"uid\":\"u\"},"
         "\"propagationPolicy\":\"Foreground\"}");
  expect(client.remove_all(kMaps, "ns", labelled),
         "DELETE /api/v1/namespaces/ns/configmaps?labelSelector=a%3Db application/json "
         "{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\"}");
}

TEST(Client, RefusalsAreAnswersAndNonsenseIsAnError) {
  Local local;
  const ObjectRef map{kMaps, "ns", "m"};
  local.script.answers = {
      {404, R"({"kind":"Status","status":"Failure","reason":"NotFound","message":"gone"})", {}},
      {200, R"({"kind":"Status","status":"Failure","code":409,"reason":"Conflict"})", {}},
      {200, "nonsense", {}},
      {503, "no JSON", {}},
      {200, "{}", {{"warning", R"(299 - "unknown field \"spec.x\"")"}, {"warning", "199 - \"a\""}}},
  };
  auto answer = local.run(local.client->get(map));
  ASSERT_TRUE(answer.ok() && answer->error);
  EXPECT_TRUE(answer->error->absent());
  EXPECT_EQ(status_of(answer).code(), Code::kNotFound);
  answer = local.run(local.client->get(map));
  ASSERT_TRUE(answer.ok() && answer->error);
  EXPECT_TRUE(answer->error->conflict());
  answer = local.run(local.client->get(map));
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code(), Code::kDataLoss);
  answer = local.run(local.client->get(map));
  EXPECT_EQ(status_of(answer).message(), "the API server answers 503: no JSON");
  answer = local.run(local.client->get(map));
  ASSERT_TRUE(answer.ok() && answer->ok());
  EXPECT_EQ(answer->warnings, std::vector<std::string>{"unknown field \"spec.x\""});
}

TEST(Client, WaitsWhenToldButNotForever) {
  Local local;
  const std::string busy = R"({"kind":"Status","status":"Failure","code":429})";
  // Too long, not a number, and a caller with waits of its own: told at once.
  local.script.answers = {{429, busy, {{"retry-after", "600"}}},
                          {503, busy, {{"retry-after", "soon"}}},
                          {429, busy, {{"retry-after", "1"}}},
                          {409, busy, {{"retry-after", "1"}}}};
  for (const bool patient : {true, true, false, true}) {
    Call call("/api");
    call.patient = patient;
    auto answer = local.run(local.client->call(call));
    EXPECT_TRUE(answer.ok() && answer->error);
  }
  EXPECT_EQ(local.script.asked.size(), 4u);
}

std::string page(const char* name, const char* token) {
  return fmt::format(
      R"({{"metadata":{{"resourceVersion":"7","continue":"{}"}},"items":[{{"metadata":{{"name":"{}"}}}}]}})",
      token, name);
}

TEST(Client, ListsAreJoinedAndStartOverWhenTheyExpire) {
  Local local;
  local.script.answers = {{200, page("a", "t1"), {}}, {200, page("b", ""), {}}};
  ListOptions small;
  small.page_objects = 1;
  auto all = local.run(local.client->list(kMaps, "ns", small));
  ASSERT_TRUE(all.ok() && all->ok());
  EXPECT_EQ(all->body["items"].size(), 2u);
  EXPECT_EQ(text_at(all->body, {"metadata", "continue"}), "");
  EXPECT_EQ(local.script.asked.back(), "GET /api/v1/namespaces/ns/configmaps?limit=1&continue=t1");
  local.script.answers = {{200, page("a", "t1"), {}}, {410, "{}", {}}, {200, page("c", ""), {}}};
  small.resource_version = "0";
  all = local.run(local.client->list(kMaps, "ns", small));
  ASSERT_TRUE(all.ok() && all->ok());
  ASSERT_EQ(all->body["items"].size(), 1u);
  EXPECT_EQ(text_at(all->body["items"][0], {"metadata", "name"}), "c");
  EXPECT_EQ(local.script.asked.back(), "GET /api/v1/namespaces/ns/configmaps");
  local.script.answers.assign(2, {410, "{}", {}});
  all = local.run(local.client->list(kMaps, "ns"));
  EXPECT_TRUE(all.ok() && all->error && all->error->expired());  // twice: the caller is told
}

TEST(Client, UpdateReadsAgainAfterAConflict) {
  Local local;
  const std::string conflict = R"({"kind":"Status","status":"Failure","reason":"Conflict"})";
  local.script.answers = {{200, R"({"n":1})", {}},
                          {409, conflict, {}},
                          {200, R"({"n":2})", {}},
                          {200, R"({"n":3})", {}}};
  const auto increment = [](Json& object) {
    object["n"] = object["n"].get<int>() + 1;
    return true;
  };
  auto answer = local.run(local.client->update({kMaps, "ns", "m"}, increment));
  ASSERT_TRUE(answer.ok() && answer->ok());
  EXPECT_TRUE(local.script.asked.back().ends_with("{\"n\":3}"));
  EXPECT_EQ(local.script.asked.size(), 4u);
  // Nothing to do writes nothing; five conflicts are enough.
  (void)local.run(local.client->update({kMaps, "ns", "m"}, [](Json&) { return false; }));
  EXPECT_EQ(local.script.asked.size(), 5u);
  for (int i = 0; i < 5; ++i) {
    local.script.answers.push_back({200, R"({"n":1})", {}});
    local.script.answers.push_back({409, conflict, {}});
  }
  answer = local.run(local.client->update({kMaps, "ns", "m"}, increment));
  EXPECT_TRUE(answer.ok() && answer->error && answer->error->conflict());
  EXPECT_EQ(local.script.asked.size(), 15u);
}

}  // namespace
}  // namespace nacelle::kube
