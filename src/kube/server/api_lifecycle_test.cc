// api_lifecycle_test.cc: deletion, finalizers, owners, namespaces, CRDs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kube/server/collector_rules.h"
#include "kube/testing/api_fixture.h"

namespace nacelle::kube {
namespace {

using testing::ApiFixture;
using testing::ApiReply;
using ::testing::HasSubstr;

constexpr const char* kMaps = "/api/v1/namespaces/default/configmaps";
constexpr const char* kPods = "/api/v1/namespaces/default/pods";

Json config_map(const std::string& name) {
  return {{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"name", name}}}};
}

Json owned(const std::string& name, const Json& owner, bool blocks) {
  Json out = config_map(name);
  out["metadata"]["ownerReferences"] = Json::array({{{"apiVersion", "v1"},
                                                     {"kind", "ConfigMap"},
                                                     {"name", owner["metadata"]["name"]},
                                                     {"uid", owner["metadata"]["uid"]},
                                                     {"blockOwnerDeletion", blocks}}});
  return out;
}

Json pod(const std::string& name) {
  return Json::parse(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":")" + name +
                     R"("},"spec":{"containers":[{"name":"c","image":"i:1"}]}})");
}

std::string at(const std::string& base, const std::string& name) { return base + "/" + name; }

TEST(ApiLifecycle, FinalizersHoldAndTheLastOneLetsGo) {
  ApiFixture api;
  Json body = config_map("f");
  body["metadata"]["finalizers"] = {"example.com/f"};
  (void)api.post(kMaps, body);
  const ApiReply held = api.remove(at(kMaps, "f"));
  ASSERT_EQ(held.status, 200);
  EXPECT_EQ(held.body["kind"], "ConfigMap");
  EXPECT_TRUE(held.body["metadata"].contains("deletionTimestamp"));
  EXPECT_EQ(held.body["metadata"]["deletionGracePeriodSeconds"], 0);
  const ApiReply again = api.remove(at(kMaps, "f"));
  EXPECT_EQ(version_of(again.body), version_of(held.body)) << "nothing changed";
  EXPECT_THAT(api.post(kMaps, config_map("f")).message(), HasSubstr("object is being deleted"));
  EXPECT_EQ(api.patch(at(kMaps, "f"),
                      {{"metadata", {{"finalizers", {"example.com/f", "example.com/g"}}}}})
                .status,
            422);
  const ApiReply last = api.patch(at(kMaps, "f"), {{"metadata", {{"finalizers", nullptr}}}});
  EXPECT_EQ(last.status, 200) << last.text;
  EXPECT_EQ(api.get(at(kMaps, "f")).status, 404);
  Json bad = config_map("g");
  bad["metadata"]["finalizers"] = {"nodomain"};
  EXPECT_THAT(api.post(kMaps, bad).message(), HasSubstr("nor is it fully qualified"));
}

TEST(ApiLifecycle, DeletionsAnswerWithWhatTheyTook) {
  ApiFixture api;
  const Json made = api.post(kMaps, config_map("d")).body;
  Json wrong = {{"preconditions", {{"uid", "abc"}}}};
  EXPECT_EQ(api.remove(at(kMaps, "d"), wrong).status, 409);
  EXPECT_EQ(api.remove(at(kMaps, "d"), {{"propagationPolicy", "Sideways"}}).status, 422);
  const ApiReply gone = api.remove(at(kMaps, "d"));
  EXPECT_EQ(gone.body["status"], "Success");
  EXPECT_EQ(gone.body["details"]["uid"], made["metadata"]["uid"]);
  EXPECT_EQ(gone.body["details"]["kind"], "configmaps");
  EXPECT_EQ(api.remove(at(kMaps, "d")).status, 404);
}

TEST(ApiLifecycle, BoundPodsGetTheirGraceAndItOnlyShortens) {
  ApiFixture api;
  (void)api.post(kPods, pod("free"));
  EXPECT_EQ(api.remove(at(kPods, "free")).body["status"], "Success") << "bound to no node";
  (void)api.post(kPods, pod("p"));
  const Json binding = {{"apiVersion", "v1"},
                        {"kind", "Binding"},
                        {"metadata", {{"name", "p"}}},
                        {"target", {{"kind", "Node"}, {"name", "n1"}}}};
  ASSERT_EQ(api.post(at(kPods, "p") + "/binding", binding).status, 201);
  EXPECT_EQ(api.post(at(kPods, "p") + "/binding", binding).status, 409);
  const auto grace = [&](int seconds) {
    return api.remove(at(kPods, "p"), {{"gracePeriodSeconds", seconds}})
        .body["metadata"]["deletionGracePeriodSeconds"];
  };
  EXPECT_EQ(grace(20), 20);
  EXPECT_EQ(grace(5), 5);
  EXPECT_EQ(grace(50), 5);
  EXPECT_EQ(api.remove(at(kPods, "p"), {{"gracePeriodSeconds", 0}}).body["status"], "Success");
  EXPECT_EQ(api.get(at(kPods, "p")).status, 404);
}

TEST(ApiLifecycle, OwnersAndTheirDependents) {
  ApiFixture api;
  const auto exists = [&](const std::string& name) {
    return api.get(at(kMaps, name)).status == 200;
  };
  const Json one = api.post(kMaps, config_map("background")).body;
  (void)api.post(kMaps, owned("child", one, false));
  (void)api.remove(at(kMaps, "background"));
  EXPECT_TRUE(api.eventually([&] { return !exists("child"); }));

  const Json two = api.post(kMaps, config_map("foreground")).body;
  Json child = owned("held", two, true);
  child["metadata"]["finalizers"] = {"example.com/hold"};
  (void)api.post(kMaps, child);
  (void)api.remove(at(kMaps, "foreground"), {{"propagationPolicy", "Foreground"}});
  EXPECT_TRUE(api.eventually([&] { return is_being_deleted(api.get(at(kMaps, "held")).body); }));
  EXPECT_TRUE(exists("foreground")) << "its dependent blocks it";
  (void)api.patch(at(kMaps, "held"), {{"metadata", {{"finalizers", nullptr}}}});
  EXPECT_TRUE(api.eventually([&] { return !exists("foreground"); }));

  const Json three = api.post(kMaps, config_map("orphaning")).body;
  (void)api.post(kMaps, owned("orphan", three, false));
  (void)api.remove(at(kMaps, "orphaning"), {{"propagationPolicy", "Orphan"}});
  EXPECT_TRUE(api.eventually([&] { return !exists("orphaning"); }));
  EXPECT_TRUE(exists("orphan"));
  EXPECT_FALSE(api.get(at(kMaps, "orphan")).body["metadata"].contains("ownerReferences"));
}

TEST(ApiLifecycle, NamespacesTakeTheirContentWithThem) {
  ApiFixture api;
  const Json name_space = {
      {"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", "team"}}}};
  ASSERT_EQ(api.post("/api/v1/namespaces", name_space).status, 201);
  EXPECT_TRUE(api.eventually([&] {
    return api.get("/api/v1/namespaces/team/serviceaccounts/default").status == 200 &&
           api.get("/api/v1/namespaces/team/configmaps/kube-root-ca.crt").status == 200;
  }));
  Json held = config_map("held");
  held["metadata"]["finalizers"] = {"example.com/hold"};
  (void)api.post("/api/v1/namespaces/team/configmaps", held);
  (void)api.remove("/api/v1/namespaces/team");
  EXPECT_TRUE(api.eventually(
      [&] { return is_being_deleted(api.get("/api/v1/namespaces/team/configmaps/held").body); }));
  EXPECT_EQ(api.get("/api/v1/namespaces/team").body["status"]["phase"], "Terminating");
  const ApiReply refused = api.post("/api/v1/namespaces/team/configmaps", config_map("late"));
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.body["details"]["causes"][0]["reason"], "NamespaceTerminating");
  (void)api.patch("/api/v1/namespaces/team/configmaps/held",
                  {{"metadata", {{"finalizers", nullptr}}}});
  EXPECT_TRUE(api.eventually([&] { return api.get("/api/v1/namespaces/team").status == 404; }));
  EXPECT_EQ(api.remove("/api/v1/namespaces/default").status, 403);
}

Json gadgets(const char* schema) {
  return {
      {"apiVersion", "apiextensions.k8s.io/v1"},
      {"kind", "CustomResourceDefinition"},
      {"metadata", {{"name", "gadgets.demo.example.com"}}},
      {"spec",
       {{"group", "demo.example.com"},
        {"scope", "Namespaced"},
        {"names", {{"plural", "gadgets"}, {"kind", "Gadget"}, {"shortNames", {"gd"}}}},
        {"versions",
         Json::array(
             {{{"name", "v1"},
               {"served", true},
               {"storage", true},
               {"subresources", {{"status", Json::object()}}},
               {"additionalPrinterColumns",
                Json::array({{{"name", "Size"}, {"type", "integer"}, {"jsonPath", ".spec.size"}}})},
               {"schema", {{"openAPIV3Schema", Json::parse(schema)}}}}})}}}};
}

constexpr const char* kSchema =
    R"({"type":"object","properties":{"spec":{"type":"object","required":["mode"],
  "properties":{"size":{"type":"integer","minimum":1,"maximum":10,"default":3},
  "mode":{"type":"string","enum":["A","B"]},"name":{"type":"string","pattern":"^[a-z]*$"}}},
  "status":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}})";
constexpr const char* kCrds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
constexpr const char* kGadgets = "/apis/demo.example.com/v1/namespaces/default/gadgets";

Json gadget(const std::string& name, Json spec) {
  return {{"apiVersion", "demo.example.com/v1"},
          {"kind", "Gadget"},
          {"metadata", {{"name", name}}},
          {"spec", std::move(spec)}};
}

TEST(ApiLifecycle, ACrdIsServedWhenItsCreateIsAnswered) {
  ApiFixture api;
  const ApiReply made = api.post(kCrds, gadgets(kSchema));
  ASSERT_EQ(made.status, 201) << made.text;
  EXPECT_EQ(made.body["spec"]["names"]["listKind"], "GadgetList");
  EXPECT_EQ(made.body["status"]["storedVersions"], Json::array({"v1"}));
  Json bad = gadget("x", {{"mode", "A"}, {"zzz", 1}});
  const ApiReply defaulted = api.post(kGadgets, bad);
  ASSERT_EQ(defaulted.status, 201) << defaulted.text;
  EXPECT_EQ(defaulted.body["spec"], (Json{{"mode", "A"}, {"size", 3}})) << "pruned and defaulted";
  EXPECT_EQ(defaulted.body["metadata"]["generation"], 1);
  const ApiReply invalid =
      api.post(kGadgets, gadget("gv", {{"mode", "Z"}, {"size", 22}, {"name", "X1"}}));
  EXPECT_EQ(invalid.status, 422);
  EXPECT_EQ(invalid.body["details"]["kind"], "Gadget");
  EXPECT_THAT(invalid.message(), HasSubstr("spec.size in body should be less than or equal to 10"));
  EXPECT_THAT(invalid.message(),
              HasSubstr("Unsupported value: \"Z\": supported values: \"A\", \"B\""));
  EXPECT_THAT(invalid.message(), HasSubstr("should match '^[a-z]*$'"));
  EXPECT_THAT(api.post(kGadgets, gadget("gx", Json::object())).message(),
              HasSubstr("spec.mode: Required"));
  Json update = defaulted.body;
  update["metadata"].erase("resourceVersion");
  EXPECT_THAT(api.put(at(kGadgets, "x"), update).message(),
              HasSubstr("must be specified for an update"));
  EXPECT_EQ(
      api.patch(at(kGadgets, "x"), Json::object(), "application/strategic-merge-patch+json").status,
      415);
  const testing::HeaderList table = {{"accept", "application/json;as=Table;v=v1;g=meta.k8s.io"}};
  EXPECT_EQ(api.call("GET", kGadgets, "", table).body["rows"][0]["cells"], (Json{"x", 3}));
  api.restart();
  EXPECT_EQ(api.get(at(kGadgets, "x")).status, 200) << "kinds survive a restart";
  (void)api.remove(at(kCrds, "gadgets.demo.example.com"));
  EXPECT_TRUE(api.eventually([&] { return api.get(kGadgets).status == 404; }));
  EXPECT_EQ(api.get(at(kCrds, "gadgets.demo.example.com")).status, 404);
  EXPECT_EQ(api.server().store().count("gadgets.demo.example.com"), 0u);
}

TEST(ApiLifecycle, CrdsThatCannotBeServedAreRefused) {
  ApiFixture api;
  EXPECT_THAT(api.post(kCrds, gadgets(R"({"type":"object","properties":{"spec":{}}})")).message(),
              HasSubstr("must not be empty for specified object fields"));
  Json wrong_name = gadgets(kSchema);
  wrong_name["metadata"]["name"] = "other.demo.example.com";
  EXPECT_EQ(api.post(kCrds, wrong_name).status, 422);
  Json unstored = gadgets(kSchema);
  unstored["spec"]["versions"][0]["storage"] = false;
  EXPECT_THAT(api.post(kCrds, unstored).message(), HasSubstr("exactly one version"));
}

TEST(CollectorRules, AnAbsentOwnerIsOneWithAnotherUidOrNamespace) {
  using server::GraphNode;
  const GraphNode owner{.collection = "c", .key = {"a", "owner"}, .uid = "1"};
  const GraphNode mine{
      .collection = "c", .key = {"a", "mine"}, .uid = "2", .owners = {{"1", false}}};
  const GraphNode stale{
      .collection = "c", .key = {"a", "stale"}, .uid = "3", .owners = {{"9", false}}};
  const GraphNode far{.collection = "c", .key = {"b", "far"}, .uid = "4", .owners = {{"1", false}}};
  const GraphNode both{
      .collection = "c", .key = {"a", "both"}, .uid = "5", .owners = {{"1", false}, {"9", false}}};
  const auto actions = server::collect({owner, mine, stale, far, both});
  ASSERT_EQ(actions.size(), 3u);
  EXPECT_EQ(std::get<server::DeleteDependent>(actions[0]).node, 2u);
  EXPECT_EQ(std::get<server::DeleteDependent>(actions[1]).node, 3u);
  EXPECT_EQ(std::get<server::DropOwners>(actions[2]).uids, std::vector<std::string>{"9"});
  EXPECT_TRUE(server::collect({owner, mine}).empty()) << "settled";
}

}  // namespace
}  // namespace nacelle::kube
