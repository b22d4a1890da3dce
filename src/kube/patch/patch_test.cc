// JSON patch, merge patch and strategic merge patch against the tables of their documents.
#include "kube/patch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "base/quantity.h"

namespace nacelle::kube {
namespace {

Json J(std::string_view text) { return Json::parse(text); }

struct Row {
  const char* name;
  const char* object;
  const char* patch;
  const char* result;             // null when it fails ...
  Code code = Code::kOk;          // ... with this code ...
  const char* message = nullptr;  // ... and this in its message
};

using Apply = Result<Json> (*)(const Row&);

void check(const std::vector<Row>& rows, Apply apply) {
  for (const Row& row : rows) {
    const Result<Json> result = apply(row);
    if (row.result != nullptr) {
      ASSERT_TRUE(result.ok()) << row.name << ": " << result.error().message();
      EXPECT_EQ(*result, J(row.result)) << row.name << ": " << result->dump();
    } else {
      ASSERT_FALSE(result.ok()) << row.name << ": " << result->dump();
      EXPECT_EQ(result.error().code(), row.code) << row.name << ": " << result.error().message();
      if (row.message != nullptr) {
        EXPECT_NE(result.error().message().find(row.message), std::string::npos)
            << row.name << ": " << result.error().message();
      }
    }
  }
}

TEST(JsonPatch, OperationsOfTheRfc) {
  constexpr Code kPath = Code::kFailedPrecondition;
  constexpr Code kForm = Code::kInvalidArgument;
  check(
      {
          {"adds a member", R"({"a":1})", R"([{"op":"add","path":"/b","value":2}])",
           R"({"a":1,"b":2})"},
          {"adds over a member", R"({"a":1})", R"([{"op":"add","path":"/a","value":null}])",
           R"({"a":null})"},
          {"inserts into a list", R"({"a":[1,3]})", R"([{"op":"add","path":"/a/1","value":2}])",
           R"({"a":[1,2,3]})"},
          {"appends", R"({"a":[1]})", R"([{"op":"add","path":"/a/-","value":2}])",
           R"({"a":[1,2]})"},
          {"replaces the whole", R"({"a":1})", R"([{"op":"add","path":"","value":[1]}])", "[1]"},
          {"escapes", R"({"a/b":{"m~n":1}})", R"([{"op":"replace","path":"/a~1b/m~0n","value":2}])",
           R"({"a/b":{"m~n":2}})"},
          {"removes from a list", R"([1,2,3])", R"([{"op":"remove","path":"/1"}])", "[1,3]"},
          {"moves", R"({"a":{"x":1},"b":{}})", R"([{"op":"move","from":"/a/x","path":"/b/y"}])",
           R"({"a":{},"b":{"y":1}})"},
          {"moves within a list", R"([1,2,3])", R"([{"op":"move","from":"/0","path":"/2"}])",
           "[2,3,1]"},
          {"copies", R"({"a":[1]})", R"([{"op":"copy","from":"/a","path":"/b"}])",
           R"({"a":[1],"b":[1]})"},
          {"tests", R"({"a":[1,{"b":2}]})", R"([{"op":"test","path":"/a","value":[1,{"b":2}]}])",
           R"({"a":[1,{"b":2}]})"},
          {"a number is equal whatever its form", R"({"a":1})",
           R"([{"op":"test","path":"/a","value":1.0}])", R"({"a":1})"},
          {"unknown members are ignored", R"({})",
           R"([{"op":"add","path":"/a","value":1,"xyz":2}])", R"({"a":1})"},
          {"a failed test undoes all", R"({"a":1})",
           R"([{"op":"remove","path":"/a"},{"op":"test","path":"/b","value":1}])", nullptr, kPath},
          {"removes nothing", R"({"a":1})", R"([{"op":"remove","path":"/b"}])", nullptr, kPath,
           "path /b is missing"},
          {"replaces nothing", R"({})", R"([{"op":"replace","path":"/b","value":1}])", nullptr,
           kPath},
          {"adds below nothing", R"({})", R"([{"op":"add","path":"/a/b","value":1}])", nullptr,
           kPath},
          {"beyond a list", R"([1])", R"([{"op":"add","path":"/2","value":1}])", nullptr, kPath},
          {"an index with a leading zero", R"([1,2])", R"([{"op":"remove","path":"/01"}])", nullptr,
           kPath},
          {"into itself", R"({"a":{"b":1}})", R"([{"op":"move","from":"/a","path":"/a/c"}])",
           nullptr, kPath},
          {"no list", R"({})", R"({"op":"add"})", nullptr, kForm, "error decoding patch"},
          {"no path", R"({})", R"([{"op":"add","value":1}])", nullptr, kForm},
          {"no value", R"({})", R"([{"op":"add","path":"/a"}])", nullptr, kForm},
          {"no such operation", R"({})", R"([{"op":"spam","path":"/a"}])", nullptr, kForm, "spam"},
      },
      [](const Row& row) { return json_patch(J(row.object), J(row.patch)); });
}

TEST(JsonPatch, CopiesCannotDoubleWithoutEnd) {
  Json operations = Json::array();
  for (std::size_t i = 0; i < kMaxMergeDepth + 1; ++i) {
    operations.push_back({{"op", "copy"}, {"from", ""}, {"path", "/a"}});
  }
  const auto deep = json_patch(J(R"({"a":1})"), operations);
  ASSERT_FALSE(deep.ok());
  EXPECT_EQ(deep.error().code(), Code::kOutOfRange);

  operations = Json::array();
  for (int i = 0; i < 60; ++i) {
    operations.push_back({{"op", "copy"}, {"from", "/a"}, {"path", "/a/-"}});
  }
  const auto wide = json_patch({{"a", Json::array({std::string(100'000, 'x')})}}, operations);
  ASSERT_FALSE(wide.ok());
  EXPECT_EQ(wide.error().code(), Code::kOutOfRange);
}

TEST(MergePatch, TableOfTheRfc) {
  check(
      {
          {"1", R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
          {"2", R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
          {"3", R"({"a":"b"})", R"({"a":null})", R"({})"},
          {"4", R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
          {"5", R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
          {"6", R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
          {"7", R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
          {"8", R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
          {"9", R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
          {"10", R"({"a":"b"})", R"(["c"])", R"(["c"])"},
          {"11", R"({"a":"foo"})", "null", "null"},
          {"12", R"({"a":"foo"})", R"("bar")", R"("bar")"},
          {"13", R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
          {"14", R"([1,2])", R"({"a":"b","c":null})", R"({"a":"b"})"},
          {"15", R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
      },
      [](const Row& row) { return merge_patch(J(row.object), J(row.patch)); });
}

TEST(MergePatch, DepthIsBounded) {
  Json deep;
  for (std::size_t i = 0; i < kMaxMergeDepth + 1; ++i) deep = Json{{"a", std::move(deep)}};
  EXPECT_EQ(merge_patch(Json::object(), deep).error().code(), Code::kOutOfRange);
  EXPECT_EQ(strategic_merge_patch(Json::object(), deep, plain_schema()).error().code(),
            Code::kOutOfRange);
}

TEST(StrategicMerge, PodSpec) {
  constexpr Code kWrong = Code::kInternal;
  check(
      {
          {"null deletes a key", R"({"nodeName":"a","x":1})", R"({"x":null})",
           R"({"nodeName":"a"})"},
          {"items merge by name", R"({"containers":[{"name":"a","image":"1"}]})",
           R"({"containers":[{"name":"a","tty":true}]})",
           R"({"containers":[{"name":"a","image":"1","tty":true}]})"},
          {"new items go in front", R"({"containers":[{"name":"a"},{"name":"b"}]})",
           R"({"containers":[{"name":"c"}]})",
           R"({"containers":[{"name":"c"},{"name":"a"},{"name":"b"}]})"},
          {"an item deletes itself", R"({"containers":[{"name":"a"},{"name":"b"}]})",
           R"({"containers":[{"name":"a","$patch":"delete"}]})",
           R"({"containers":[{"name":"b"}]})"},
          {"a list is replaced", R"({"containers":[{"name":"a"},{"name":"b"}]})",
           R"({"containers":[{"$patch":"replace"},{"name":"c"}]})",
           R"({"containers":[{"name":"c"}]})"},
          {"a list without key is replaced", R"({"tolerations":[{"key":"a"}]})",
           R"({"tolerations":[{"key":"b"}]})", R"({"tolerations":[{"key":"b"}]})"},
          {"a map replaces", R"({"securityContext":{"a":1,"b":2}})",
           R"({"securityContext":{"$patch":"replace","c":3}})", R"({"securityContext":{"c":3}})"},
          {"a map empties", R"({"securityContext":{"a":1}})",
           R"({"securityContext":{"$patch":"delete"}})", R"({"securityContext":{}})"},
          {"a map merges by order", R"({"securityContext":{"a":1}})",
           R"({"securityContext":{"$patch":"merge","b":1}})",
           R"({"securityContext":{"a":1,"b":1}})"},
          {"an order alone", R"({"containers":[{"name":"a"},{"name":"b"}]})",
           R"({"$setElementOrder/containers":[{"name":"b"},{"name":"a"}]})",
           R"({"containers":[{"name":"b"},{"name":"a"}]})"},
          {"the server's own items keep their place",
           R"({"containers":[{"name":"a"},{"name":"s"},{"name":"b"}]})",
           R"({"$setElementOrder/containers":[{"name":"a"},{"name":"b"},{"name":"c"}],
               "containers":[{"name":"c"}]})",
           R"({"containers":[{"name":"a"},{"name":"s"},{"name":"b"},{"name":"c"}]})"},
          {"the order must name the items", R"({"containers":[{"name":"a"}]})",
           R"({"$setElementOrder/containers":[{"name":"b"},{"name":"a"}],
               "containers":[{"name":"a"},{"name":"b"}]})",
           nullptr, kWrong,
           "The order in patch list:\n[map[name:a] map[name:b]]\n doesn't match "
           "$setElementOrder list:\n[map[name:b] map[name:a]]\n"},
          {"retained keys", R"({"volumes":[{"name":"v","emptyDir":{},"x":1}]})",
           R"({"volumes":[{"name":"v","$retainKeys":["name","hostPath"],"hostPath":{"path":"/"}}]})",
           R"({"volumes":[{"name":"v","hostPath":{"path":"/"}}]})"},
          {"no merge key", R"({"containers":[{"name":"a"}]})",
           R"({"containers":[{"image":"nokey"}]})", nullptr, kWrong,
           "map: map[image:nokey] does not contain declared merge key: name"},
          {"no such directive", R"({})", R"({"$patch":"spam"})", nullptr, kWrong, "spam"},
          {"no such directive in a list", R"({})", R"({"containers":[{"name":"a","$patch":"x"}]})",
           nullptr, kWrong, "unknown patch type: x"},
          {"directives are not stored", R"({})",
           R"({"volumes":[{"name":"v","$retainKeys":["name","emptyDir"],"emptyDir":{"$patch":"replace","a":null}}],
               "securityContext":{"$retainKeys":["a"],"a":1}})",
           R"({"volumes":[{"name":"v","emptyDir":{}}],"securityContext":{"a":1}})"},
          {"ports are known by their number",
           R"({"containers":[{"name":"a","ports":[{"containerPort":80},{"containerPort":81}]}]})",
           R"({"containers":[{"name":"a","ports":[{"containerPort":81,"name":"x"}]}]})",
           R"({"containers":[{"name":"a","ports":[{"containerPort":80},{"containerPort":81,"name":"x"}]}]})"},
          {"a list becomes of nothing", R"({"containers":null})",
           R"({"containers":[{"name":"a"}]})", R"({"containers":[{"name":"a"}]})"},
          {"no map", R"({})", R"([])", nullptr, Code::kInvalidArgument},
      },
      [](const Row& row) {
        return strategic_merge_patch(J(row.object), J(row.patch), *builtin_type("PodSpec"));
      });
}

TEST(StrategicMerge, ScalarLists) {
  check(
      {
          {"a union", R"({"finalizers":["a","b"]})", R"({"finalizers":["b","c"]})",
           R"({"finalizers":["a","b","c"]})"},
          {"removed scalars", R"({"finalizers":["a","b"]})",
           R"({"$deleteFromPrimitiveList/finalizers":["a"]})", R"({"finalizers":["b"]})"},
          {"ordered scalars", R"({"finalizers":["a","b"]})",
           R"({"$setElementOrder/finalizers":["b","a","c"],"finalizers":["c"]})",
           R"({"finalizers":["b","a","c"]})"},
      },
      [](const Row& row) {
        return strategic_merge_patch(J(row.object), J(row.patch), *builtin_type("ObjectMeta"));
      });
}

TEST(StrategicMerge, SelectorOfABudgetIsReplacedAndOfAServiceMerged) {
  const Json budget =
      *strategic_merge_patch(J(R"({"spec":{"selector":{"matchLabels":{"a":"1"}}}})"),
                             J(R"({"spec":{"selector":{"matchLabels":{"b":"2"}}}})"),
                             *builtin_schema("policy", "PodDisruptionBudget"));
  EXPECT_EQ(budget, J(R"({"spec":{"selector":{"matchLabels":{"b":"2"}}}})"));
  const Json service = *strategic_merge_patch(J(R"({"spec":{"selector":{"a":"1"}}})"),
                                              J(R"({"spec":{"selector":{"b":"2"}}})"),
                                              *builtin_schema("", "Service"));
  EXPECT_EQ(service, J(R"({"spec":{"selector":{"a":"1","b":"2"}}})"));
}

Json random_pod_spec(std::mt19937& random) {
  const auto chance = [&](int n) { return static_cast<int>(random() % n) == 0; };
  Json spec = Json::object();
  Json containers = Json::array();
  for (const char* name : {"a", "b", "c", "d"}) {
    if (chance(2)) continue;
    Json container = {{"name", name}};
    if (chance(2)) container["image"] = std::to_string(random() % 3);
    if (chance(2)) container["args"] = Json::array({std::to_string(random() % 2)});
    if (chance(3)) container["env"] = {{{"name", "E"}, {"value", std::to_string(random() % 2)}}};
    containers.push_back(container);
  }
  std::shuffle(containers.begin(), containers.end(), random);
  if (!chance(5)) spec["containers"] = containers;
  if (chance(2)) spec["nodeSelector"] = {{"zone", std::to_string(random() % 2)}};
  if (chance(3)) spec["hostNetwork"] = chance(2);
  return spec;
}

TEST(StrategicMerge, TwiceIsOnceAndWhatThePatchSaysIsThere) {
  std::mt19937 random(7);
  const MergeSchema& schema = *builtin_type("PodSpec");
  for (int i = 0; i < 2000; ++i) {
    const Json object = random_pod_spec(random);
    const Json patch = random_pod_spec(random);
    const Json once = *strategic_merge_patch(object, patch, schema);
    EXPECT_EQ(*strategic_merge_patch(once, patch, schema), once) << object << patch;
    EXPECT_EQ(*strategic_merge_patch(object, Json::object(), schema), object);
    for (const Json& container : patch.value("containers", Json::array())) {
      const auto found =
          std::find_if(once["containers"].begin(), once["containers"].end(),
                       [&](const Json& c) { return c["name"] == container["name"]; });
      ASSERT_NE(found, once["containers"].end());
      EXPECT_EQ(*merge_patch(*found, container.contains("env") ? Json::object() : container),
                *found);
    }
  }
}

TEST(Quantity, SpellingsOfOneAmount) {
  const auto same = [](const char* a, const char* b) { return Quantity::same(J(a), J(b)); };
  EXPECT_TRUE(same(R"("1024Mi")", R"("1Gi")"));
  EXPECT_TRUE(same(R"("1.5Gi")", R"("1536Mi")"));
  EXPECT_TRUE(same("1", R"("1000m")"));
  EXPECT_TRUE(same("0.5", R"("500m")"));
  EXPECT_TRUE(same(R"("1e3")", R"("1k")"));
  EXPECT_TRUE(same(R"("0")", "0"));
  EXPECT_TRUE(same(R"("1E")", R"("1000P")"));
  EXPECT_FALSE(same(R"("1Gi")", R"("1G")"));
  EXPECT_FALSE(same(R"("-1")", R"("1")"));
  EXPECT_FALSE(same(R"("one")", R"("one")"));
  EXPECT_FALSE(same("null", "null"));
}

}  // namespace
}  // namespace nacelle::kube
