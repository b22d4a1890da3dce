// Server-side apply against the cases of the fact sheet, and its properties on random documents.
#include "kube/server_side_apply.h"

#include <gtest/gtest.h>


#include "kube/patch.h"
#include "kube/patch/typed_value.h"

namespace nacelle::kube {
namespace {

Json J(std::string_view text) { return Json::parse(text); }

Writer writer(std::string manager, std::string time = "2026-01-01T00:00:00Z",
              std::string api_version = "v1") {
  return {.manager = std::move(manager),
          .api_version = std::move(api_version),
          .subresource = "",
          .time = std::move(time)};
}

const MergeSchema& config_map() { return *builtin_schema("", "ConfigMap"); }
const MergeSchema& deployment() { return *builtin_schema("apps", "Deployment"); }

Json data(std::string_view members) {
  return J(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"cm"},"data":)" +
           std::string(members) + "}");
}

Applied apply(const Json* live, Json config, const Writer& by, Force force = Force::kNo,
              const MergeSchema& schema = config_map()) {
  auto applied = server_side_apply(live, std::move(config), by, force, schema);
  EXPECT_TRUE(applied.ok()) << applied.error().message();
  return applied.ok() ? *std::move(applied) : Applied{};
}

Json fields_of_manager(const Json& object, std::string_view manager) {
  for (const Json& entry : object["metadata"].value("managedFields", Json::array())) {
    if (entry["manager"] == manager) return entry["fieldsV1"];
  }
  return {};
}

TEST(ServerSideApply, CreatesAndOwnsItsLeaves) {
  const Applied made = apply(nullptr, data(R"({"a":"1"})"), writer("m1"));
  EXPECT_TRUE(made.changed);
  EXPECT_EQ(made.object, J(R"({"apiVersion":"v1","kind":"ConfigMap","data":{"a":"1"},
    "metadata":{"name":"cm","managedFields":[{"manager":"m1","operation":"Apply",
    "apiVersion":"v1","time":"2026-01-01T00:00:00Z","fieldsType":"FieldsV1",
    "fieldsV1":{"f:data":{"f:a":{}}}}]}})"));
}

TEST(ServerSideApply, TheSameAgainChangesNothing) {
  const Applied made = apply(nullptr, data(R"({"a":"1"})"), writer("m1"));
  const Applied again =
      apply(&made.object, data(R"({"a":"1"})"), writer("m1", "2026-01-02T00:00:00Z"));
  EXPECT_FALSE(again.changed);
  EXPECT_EQ(again.object, made.object);
}

TEST(ServerSideApply, AnotherValueIsAConflictAndTheSameValueIsShared) {
  const Applied made = apply(nullptr, data(R"({"a":"1","b":"1"})"), writer("m1"));
  const Applied shared = apply(&made.object, data(R"({"a":"1"})"), writer("m2"));
  EXPECT_TRUE(shared.conflicts.empty());
  EXPECT_EQ(fields_of_manager(shared.object, "m2"), J(R"({"f:data":{"f:a":{}}})"));
  EXPECT_EQ(fields_of_manager(shared.object, "m1"), J(R"({"f:data":{"f:a":{},"f:b":{}}})"));

  const Applied refused = apply(&made.object, data(R"({"b":"2"})"), writer("m2"));
  EXPECT_EQ(apply_conflict_status(refused.conflicts), J(R"({"kind":"Status","apiVersion":"v1",
    "metadata":{},"status":"Failure","message":
    "Apply failed with 1 conflict: conflict with \"m1\": .data.b","reason":"Conflict",
    "details":{"causes":[{"reason":"FieldManagerConflict","message":"conflict with \"m1\"",
    "field":".data.b"}]},"code":409})"));
  EXPECT_FALSE(refused.changed);

  const Applied forced = apply(&made.object, data(R"({"b":"2"})"), writer("m2"), Force::kYes);
  EXPECT_EQ(forced.object["data"], J(R"({"a":"1","b":"2"})"));
  EXPECT_EQ(fields_of_manager(forced.object, "m1"), J(R"({"f:data":{"f:a":{}}})"));
}

TEST(ServerSideApply, WhatIsNoLongerAppliedGoesUnlessOthersOwnIt) {
  const Applied one = apply(nullptr, data(R"({"a":"1","b":"1"})"), writer("m1"));
  const Applied two = apply(&one.object, data(R"({"b":"1"})"), writer("m2"));
  const Applied less = apply(&two.object, data(R"({})"), writer("m1"));
  EXPECT_EQ(less.object["data"], J(R"({"b":"1"})"));
  const Applied none = apply(&less.object, J(R"({"apiVersion":"v1","kind":"ConfigMap",
                             "metadata":{"name":"cm"}})"),
                             writer("m2"));
  EXPECT_EQ(none.object["data"], J("{}")) << "m1 applies the empty map still";
}

TEST(ServerSideApply, MessagesOfConflicts) {
  const std::vector<Conflict> several = {{"\"put\" using demo.example.com/v1", ".spec.q"},
                                         {"\"put\" using demo.example.com/v1", ".spec.size"}};
  EXPECT_EQ(apply_conflict_message(several),
            "Apply failed with 2 conflicts: conflicts with \"put\" using demo.example.com/v1:\n"
            "- .spec.q\n- .spec.size");
  const std::vector<Conflict> owners = {{"\"b\"", ".x"}, {"\"a\" using v1", ".y"}};
  EXPECT_EQ(apply_conflict_message(owners),
            "Apply failed with 2 conflicts: conflicts with \"a\" using v1:\n- .y\n"
            "conflicts with \"b\":\n- .x");
}

constexpr std::string_view kDeployment = R"({"apiVersion":"apps/v1","kind":"Deployment",
  "metadata":{"name":"d","namespace":"sd","labels":{"l":"1"}},
  "spec":{"replicas":1,"selector":{"matchLabels":{"app":"a"}},
   "template":{"metadata":{"labels":{"app":"a"}},"spec":{"containers":[
    {"name":"a","image":"i","command":["x"],"ports":[{"containerPort":80}],
     "resources":{"limits":{"memory":"1Gi"}}}]}}}})";

TEST(ServerSideApply, FieldsOfADeployment) {
  const Applied made =
      apply(nullptr, J(kDeployment), writer("m1", "t", "apps/v1"), Force::kNo, deployment());
  EXPECT_EQ(fields_of_manager(made.object, "m1"), J(R"({
    "f:metadata":{"f:labels":{"f:l":{}}},
    "f:spec":{"f:replicas":{},"f:selector":{},"f:template":{
      "f:metadata":{"f:labels":{"f:app":{}}},
      "f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{".":{},"f:command":{},"f:image":{},
        "f:name":{},"f:ports":{"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":
          {".":{},"f:containerPort":{}}},"f:resources":{"f:limits":{"f:memory":{}}}}}}}}})"));
}

TEST(ServerSideApply, PathsOfConflictsNameItems) {
  const Applied made =
      apply(nullptr, J(kDeployment), writer("m1", "t", "apps/v1"), Force::kNo, deployment());
  Json other = J(kDeployment);
  Json& container = other["spec"]["template"]["spec"]["containers"][0];
  container["command"] = {"y"};
  container["ports"][0]["name"] = "http";
  other["metadata"]["labels"]["l"] = "2";
  const Applied refused =
      apply(&made.object, other, writer("m2", "t", "apps/v1"), Force::kNo, deployment());
  const std::vector<Conflict> expected = {
      {"\"m1\"", ".metadata.labels.l"},
      {"\"m1\"", ".spec.template.spec.containers[name=\"a\"].command"}};
  EXPECT_EQ(refused.conflicts, expected) << "a new field of a port is nobody's";
}

TEST(ServerSideApply, AnotherSpellingOfAQuantityIsNoChange) {
  const Applied made =
      apply(nullptr, J(kDeployment), writer("m1", "t", "apps/v1"), Force::kNo, deployment());
  Json other = J(kDeployment);
  Json& limits = other["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"];
  limits["memory"] = "1024Mi";
  const Applied again =
      apply(&made.object, other, writer("m1", "later", "apps/v1"), Force::kNo, deployment());
  EXPECT_FALSE(again.changed);
  EXPECT_TRUE(apply(&made.object, other, writer("m2", "later", "apps/v1"), Force::kNo, deployment())
                  .conflicts.empty());
}

TEST(ServerSideApply, ItemsStayWhileOthersOwnSomethingInThem) {
  const Applied made =
      apply(nullptr, J(kDeployment), writer("m1", "t", "apps/v1"), Force::kNo, deployment());
  Json updated = made.object;
  updated["spec"]["template"]["spec"]["containers"][0]["image"] = "j";
  track_update(&made.object, updated, writer("upd", "t2", "apps/v1"), deployment());
  EXPECT_EQ(fields_of_manager(updated, "upd"), J(R"({"f:spec":{"f:template":{"f:spec":
    {"f:containers":{"k:{\"name\":\"a\"}":{"f:image":{}}}}}}})"));
  Json less = J(kDeployment);
  less["spec"]["template"]["spec"]["containers"] = Json::array();
  const Applied gone =
      apply(&updated, less, writer("m1", "t3", "apps/v1"), Force::kNo, deployment());
  EXPECT_EQ(gone.object["spec"]["template"]["spec"]["containers"],
            J(R"([{"name":"a","image":"j"}])"));
}

TEST(ServerSideApply, OrderOfItems) {
  const auto ordered = [](std::string_view live, std::string_view config) {
    const auto list = [](std::string_view names) {
      Json out = Json::array();
      for (const char name : names) out.push_back({{"name", std::string(1, name)}});
      return Json{{"containers", out}};
    };
    std::string out;
    const Json merged = merge_applied(list(live), list(config), *builtin_type("PodSpec"));
    for (const Json& item : merged["containers"]) {
      out += item["name"].get<std::string>();
    }
    return out;
  };
  EXPECT_EQ(ordered("123", "31"), "231");
  EXPECT_EQ(ordered("123", ""), "123");
  EXPECT_EQ(ordered("", "21"), "21");
  EXPECT_EQ(ordered("12", "3"), "123");
  EXPECT_EQ(ordered("ab", "cb"), "acb");
  EXPECT_EQ(ordered("1234", "4321"), "4321");
}

TEST(ServerSideApply, UpdatesTakeOverSilentlyAndOwnContainersTheyMade) {
  Json made = data(R"({"a":"1"})");
  track_update(nullptr, made, writer("creator"), config_map());
  EXPECT_EQ(fields_of_manager(made, "creator"), J(R"({"f:data":{".":{},"f:a":{}}})"));
  const Applied owned = apply(&made, data(R"({"a":"1","b":"1"})"), writer("m1"));
  Json updated = owned.object;
  updated["data"]["b"] = "2";
  track_update(&owned.object, updated, writer("upd"), config_map());
  EXPECT_EQ(fields_of_manager(updated, "m1"), J(R"({"f:data":{"f:a":{}}})"));
  EXPECT_EQ(fields_of_manager(updated, "upd"), J(R"({"f:data":{"f:b":{}}})"));
  const Applied refused = apply(&updated, data(R"({"a":"1","b":"3"})"), writer("m1"));
  EXPECT_EQ(refused.conflicts, (std::vector<Conflict>{{"\"upd\" using v1", ".data.b"}}));

  Json removed = updated;
  removed["data"].erase("b");
  track_update(&updated, removed, writer("upd"), config_map());
  EXPECT_TRUE(fields_of_manager(removed, "upd").is_null()) << "an entry without fields goes";
}

TEST(ServerSideApply, ObjectsNobodyTracksBelongToThoseBefore) {
  const Json live = data(R"({"a":"1","b":"1"})");
  const Applied applied = apply(&live, data(R"({"a":"1"})"), writer("m1"));
  EXPECT_EQ(fields_of_manager(applied.object, "before-first-apply"),
            J(R"({"f:data":{".":{},"f:a":{},"f:b":{}}})"));
  EXPECT_EQ(apply(&live, data(R"({"a":"2"})"), writer("m1")).conflicts,
            (std::vector<Conflict>{{"\"before-first-apply\" using v1", ".data.a"}}));
}

TEST(ServerSideApply, KubectlTakesOverWhatItAppliedFromTheClient) {
  Json live = data(R"({"a":"1","b":"1"})");
  live["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] =
      R"({"data":{"a":"1"}})";
  track_update(nullptr, live, writer("kubectl-client-side-apply"), config_map());
  EXPECT_EQ(apply(&live, data(R"({"a":"2"})"), writer("kubectl")).object["data"]["a"], "2");
  EXPECT_EQ(apply(&live, data(R"({"a":"2"})"), writer("other")).conflicts.size(), 1U);
  EXPECT_EQ(apply(&live, data(R"({"a":"2","b":"2"})"), writer("kubectl")).conflicts,
            (std::vector<Conflict>{{"\"kubectl-client-side-apply\" using v1", ".data.b"}}));
}

TEST(ServerSideApply, StatusBelongsToItsEndpoint) {
  const MergeSchema& schema = deployment();
  Json body = J(kDeployment);
  body["status"]["replicas"] = 3;
  const Applied main = apply(nullptr, body, writer("m1", "t", "apps/v1"), Force::kNo, schema);
  EXPECT_FALSE(main.object.contains("status"));
  EXPECT_FALSE(fields_of_manager(main.object, "m1").contains("f:status"));
  Writer status = writer("m1", "t", "apps/v1");
  status.subresource = "status";
  body["spec"]["replicas"] = 9;
  const Applied told = apply(&main.object, body, status, Force::kNo, schema);
  EXPECT_EQ(told.object["status"], J(R"({"replicas":3})"));
  EXPECT_EQ(told.object["spec"]["replicas"], 1);
  ASSERT_EQ(told.object["metadata"]["managedFields"].size(), 2U);
  EXPECT_EQ(told.object["metadata"]["managedFields"][1]["subresource"], "status");
  status.manager = "m2";
  body["status"]["replicas"] = 4;
  EXPECT_EQ(apply(&told.object, body, status, Force::kNo, schema).conflicts[0].owner,
            "\"m1\" with subresource \"status\"");
}

TEST(ServerSideApply, BodiesThatAreNone) {
  const auto message = [](Json config, const MergeSchema& schema) {
    const auto applied =
        server_side_apply(nullptr, std::move(config), writer("m"), Force::kNo, schema);
    return applied.ok() ? std::string("ok") : applied.error().message();
  };
  Json tracked = data("{}");
  tracked["metadata"]["managedFields"] = Json::array();
  EXPECT_EQ(message(tracked, config_map()), "metadata.managedFields must be nil");
  EXPECT_EQ(message(J("[]"), config_map()), "an apply is a map, got array");
  Json twice = J(kDeployment);
  Json& containers = twice["spec"]["template"]["spec"]["containers"];
  containers.push_back(containers[0]);
  EXPECT_EQ(message(twice, deployment()),
            "failed to create typed patch object (sd/d; apps/v1, Kind=Deployment): "
            ".spec.template.spec.containers: duplicate entries for key [name=\"a\"]");
  containers[1].erase("name");
  containers[0]["ports"] = {{{"name", "x"}}};
  EXPECT_EQ(
      message(twice, deployment()),
      "failed to create typed patch object (sd/d; apps/v1, Kind=Deployment): errors:\n"
      "  .spec.template.spec.containers[name=\"a\"].ports: element 0: associative list with "
      "keys has an element that omits key field \"containerPort\" (and doesn't have default "
      "value)\n"
      "  .spec.template.spec.containers: element 1: associative list with keys has an element "
      "that omits key field \"name\" (and doesn't have default value)");
  Json shape = J(kDeployment);
  shape["spec"]["template"] = "x";
  EXPECT_EQ(message(shape, deployment()),
            "failed to create typed patch object (sd/d; apps/v1, Kind=Deployment): "
            ".spec.template: expected map, got x");
}

TEST(ManagedFields, WhatClientsSend) {
  const Applied made = apply(nullptr, data(R"({"a":"1"})"), writer("m1"));
  const auto after = [&](Json managed) {
    Json now = made.object;
    now["metadata"]["managedFields"] = std::move(managed);
    track_update(&made.object, now, writer("upd"), config_map());
    return now["metadata"].value("managedFields", Json());
  };
  const Json kept = made.object["metadata"]["managedFields"];
  EXPECT_EQ(after(Json::array()), kept);
  EXPECT_EQ(after(nullptr), kept);
  EXPECT_EQ(after({{{"manager", "x"}, {"operation", "Spam"}}}), kept) << "broken ones";
  EXPECT_EQ(after(Json::array({Json::object()})), Json()) << "cleared";
  Json moved = kept;
  moved[0]["manager"] = "m9";
  EXPECT_EQ(after(moved), moved);
}

TEST(ManagedFields, OldUpdatesAreFolded) {
  Json live = data("{}");
  for (int i = 0; i < 15; ++i) {
    Json next = live;
    next["data"]["k" + std::to_string(i)] = "v";
    track_update(
        &live, next,
        writer("u" + std::to_string(i), "2026-01-01T00:00:" + std::to_string(10 + i) + "Z"),
        config_map());
    live = next;
  }
  const Json& entries = live["metadata"]["managedFields"];
  EXPECT_EQ(entries.size(), kMaxUpdateManagers);
  EXPECT_EQ(entries[0]["manager"], "ancient-changes");
  EXPECT_EQ(fields_of_manager(live, "ancient-changes")["f:data"].size(), 6U);
}

TEST(ManagedFields, SchemasOfCrds) {
  const auto schema = schema_from_openapi(J(R"({"type":"object","properties":{"spec":{
    "type":"object","properties":{
      "ports":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["port"],
               "items":{"type":"object","properties":{"port":{"type":"integer"}}}},
      "tags":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}},
      "ref":{"type":"object","x-kubernetes-map-type":"atomic"},
      "any":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}}})"));
  ASSERT_TRUE(schema.ok());
  const Applied made = apply(nullptr, J(R"({"apiVersion":"e/v1","kind":"G","metadata":{"name":"g"},
    "spec":{"ports":[{"port":80,"n":1}],"tags":["a"],"ref":{"x":1},"any":{"y":{"z":1}}}})"),
                             writer("m"), Force::kNo, *schema);
  EXPECT_EQ(fields_of_manager(made.object, "m"), J(R"({"f:spec":{
    "f:ports":{"k:{\"port\":80}":{".":{},"f:n":{},"f:port":{}}},"f:tags":{"v:\"a\"":{}},
    "f:ref":{},"f:any":{".":{},"f:y":{"f:z":{}}}}})"));
  EXPECT_FALSE(schema_from_openapi(J(R"({"x-kubernetes-list-type":"map"})")).ok());
}

TEST(FieldSets, AnswerWhatTheyWereMadeOf) {
  const Json fields = J(R"({"f:a":{".":{},"f:b":{}},"f:l":{"k:{\"n\":\"x\"}":{".":{}},
                            "v:1":{},"i:3":{}}})");
  const auto set = parse_field_set(fields);
  ASSERT_TRUE(set.ok());
  EXPECT_EQ(to_fields_v1(*set), J(R"({"f:a":{".":{},"f:b":{}},"f:l":{"k:{\"n\":\"x\"}":{},
                                     "v:1":{},"i:3":{}}})"));
  for (const char* broken : {R"({"x:a":{}})", R"({"k:[1]":{}})", R"({"v:{":{}})", R"({"f:a":1})",
                             R"([])", R"({"f":{}})", R"({"v:[[[[[[[[[1]]]]]]]]]":{}})"}) {
    EXPECT_FALSE(parse_field_set(J(broken)).ok()) << broken;
  }
}

}  // namespace
}  // namespace nacelle::kube
