#include "router/objective/objective_table.h"

#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "router/objective/objective_documents.h"
#include "router/objective/resolve.h"

namespace nacelle::router::objective {
namespace {

using ::testing::ElementsAre;

ObjectiveTable table_of(std::string_view yaml, const PoolId& pool = {}) {
  auto parsed = parse_objective_documents(yaml);
  EXPECT_TRUE(parsed.ok()) << parsed.status().to_string();
  return parsed.ok() ? ObjectiveTable(*parsed, pool) : ObjectiveTable();
}

TEST(ObjectiveTable, PriorityComesFromTheObjectsName) {
  const ObjectiveTable table = table_of(R"(
apiVersion: llm-d.ai/v1alpha2
kind: InferenceObjective
metadata: {name: gold}
spec: {priority: 2, poolRef: {name: pool}, targetModels: [{name: pruned}]}
---
apiVersion: inference.networking.x-k8s.io/v1alpha2
kind: InferenceObjective
metadata: {name: batch}
spec: {priority: -5}
---
apiVersion: llm-d.ai/v1alpha2
kind: InferenceObjective
metadata: {name: plain}
spec: {}
---
kind: ConfigMap
)");
  EXPECT_EQ(table.priority_of("gold"), 2);
  EXPECT_EQ(table.priority_of("batch"), -5);
  EXPECT_EQ(table.priority_of("plain"), 0);
  EXPECT_EQ(table.priority_of("nobody"), 0);
  EXPECT_EQ(table.priority_of(""), 0);
  EXPECT_THAT(table.priorities(), ElementsAre(-5, 0, 2));
}

TEST(ObjectiveTable, TheCurrentGroupWinsAndOtherPoolsAreIgnored) {
  constexpr std::string_view kYaml = R"(
apiVersion: llm-d.ai/v1alpha2
kind: InferenceObjective
metadata: {name: a, namespace: ns}
spec: {priority: 1, poolRef: {name: mine}}
---
apiVersion: inference.networking.x-k8s.io/v1alpha2
kind: InferenceObjective
metadata: {name: a, namespace: ns}
spec: {priority: 9, poolRef: {name: mine}}
---
apiVersion: llm-d.ai/v1alpha2
kind: InferenceObjective
metadata: {name: b, namespace: ns}
spec: {priority: 3, poolRef: {name: other}}
---
apiVersion: llm-d.ai/v1alpha2
kind: InferenceObjective
metadata: {name: c, namespace: elsewhere}
spec: {priority: 4, poolRef: {name: mine}}
)";
  const ObjectiveTable table = table_of(kYaml, {"ns", "mine"});
  EXPECT_EQ(table.priority_of("a"), 1);
  EXPECT_EQ(table.priority_of("b"), 0);
  EXPECT_EQ(table.priority_of("c"), 0);
}

constexpr std::string_view kRewrites = R"(
apiVersion: llm-d.ai/v1alpha2
kind: InferenceModelRewrite
metadata: {name: young, creationTimestamp: "2026-02-01T00:00:00Z"}
spec:
  rules:
  - matches: [{model: {value: chat}}, {model: {type: Exact, value: new}}]
    targets: [{modelRewrite: from-young}]
---
apiVersion: inference.networking.x-k8s.io/v1alpha2
kind: InferenceModelRewrite
metadata: {name: old, creationTimestamp: "2026-01-01T00:00:00Z"}
spec:
  rules:
  - targets: [{modelRewrite: fallback}]
  - targets: [{modelRewrite: never}]
  - matches: [{model: {value: chat}}]
    targets: [{modelRewrite: v1, weight: 90}, {modelRewrite: v2, weight: 10}]
  - matches: [{model: {value: chat}}]
    targets: [{modelRewrite: never}]
  - matches: [{model: {value: even}}]
    targets: [{modelRewrite: x}, {modelRewrite: y}, {modelRewrite: z}]
)";

TEST(ObjectiveTable, ExactBeforeGenericThenTheOldestThenTheListsOrder) {
  const ObjectiveTable table = table_of(kRewrites);
  const auto target = [&](std::string_view model, std::uint64_t random) {
    const auto rewrite = table.rewrite_of(model, random);
    return std::string(rewrite->rewrite) + "/" + std::string(rewrite->target);
  };
  EXPECT_EQ(target("chat", 0), "old/v1");
  EXPECT_EQ(target("chat", 89), "old/v1");
  EXPECT_EQ(target("chat", 90), "old/v2");
  EXPECT_EQ(target("chat", 99), "old/v2");
  EXPECT_EQ(target("new", 5), "young/from-young");
  EXPECT_EQ(target("anything", 5), "old/fallback");
  EXPECT_EQ(target("even", 0) + target("even", 1) + target("even", 2), "old/xold/yold/z");
  EXPECT_EQ(ObjectiveTable().rewrite_of("chat", 0), std::nullopt);
}

TEST(ObjectiveTable, WeightsAreKeptOverManyDraws) {
  const ObjectiveTable table = table_of(kRewrites);
  std::map<std::string_view, int> counts;
  std::uint64_t x = 42;
  for (int i = 0; i < 100'000; ++i) {
    x = x * 6364136223846793005ULL + 1442695040888963407ULL;
    ++counts[table.rewrite_of("chat", x >> 11)->target];
  }
  EXPECT_NEAR(counts["v1"], 90'000, 600);
}

TEST(ResolveModel, RuleThenHeaderThenBody) {
  const ObjectiveTable none;
  RequestFacts header;
  header.model_rewrite = "h";
  EXPECT_EQ(resolve_model(table_of(kRewrites), "new", header, 0)->target, "from-young");
  EXPECT_EQ(resolve_model(none, "body", header, 0)->target, "h");
  EXPECT_EQ(resolve_model(none, "body", {}, 0)->target, "body");
  EXPECT_EQ(resolve_model(none, "", header, 0)->target, "h");
  EXPECT_EQ(resolve_model(none, "", {}, 0).status(),
            invalid_argument("model not found in request body"));
  EXPECT_EQ(resolve_model(none, "", {}, 0, ModelNeeded::kNo)->target, "");
}

TEST(ObjectiveDocuments, AllProblemsAreListedWithTheirPaths) {
  const auto parsed = parse_objective_documents(R"(
apiVersion: llm-d.ai/v1
kind: InferenceObjective
metadata: {name: a}
---
apiVersion: llm-d.ai/v1alpha2
kind: InferenceObjective
metadata: {}
spec: {priority: much, poolRef: []}
---
apiVersion: llm-d.ai/v1alpha2
kind: InferenceModelRewrite
metadata: {name: r}
spec:
  rules:
  - matches: [{model: {type: Regex, value: x}}, {}]
    targets: [{modelRewrite: m, weight: 0}, {weight: 1000001}, 7]
  - targets: []
)");
  EXPECT_EQ(parsed.status().message(),
            "document 1, apiVersion: 'llm-d.ai/v1' is unknown for InferenceObjective; there are "
            "llm-d.ai/v1alpha2 and inference.networking.x-k8s.io/v1alpha2\n"
            "document 2, metadata.name: is required\n"
            "document 2, spec.poolRef: expected a map\n"
            "document 2, spec.priority: expected a whole number\n"
            "document 3, spec.rules[0].matches[0].model.type: 'Regex' is unknown; there is Exact\n"
            "document 3, spec.rules[0].matches[1].model.value: is required\n"
            "document 3, spec.rules[0].targets[0].weight: 0 is outside 1 to 1000000\n"
            "document 3, spec.rules[0].targets[1].modelRewrite: is required\n"
            "document 3, spec.rules[0].targets[1].weight: 1000001 is outside 1 to 1000000\n"
            "document 3, spec.rules[0].targets[2]: expected a map\n"
            "document 3, spec.rules[1].targets: is required");
  EXPECT_EQ(parse_objective_documents("{").status().code(), Code::kInvalidArgument);
  // yaml-cpp's LoadAll never comes back from these.
  EXPECT_FALSE(parse_objective_documents("a: 1\n]\n").ok());
  EXPECT_FALSE(parse_objective_documents("{a: 1} }").ok());
  EXPECT_TRUE(parse_objective_documents("").ok());
}

TEST(ObjectiveStore, ReadersKeepTheTableTheyGot) {
  ObjectiveStore store;
  const ObjectiveTablePtr before = store.get();
  store.publish(table_of(kRewrites));
  EXPECT_EQ(before->rewrite_of("new", 0), std::nullopt);
  EXPECT_EQ(store.get()->rewrite_of("new", 0)->target, "from-young");
}

}  // namespace
}  // namespace nacelle::router::objective
