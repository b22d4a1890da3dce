#include "control/core/scheduler/place.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace nacelle::control::scheduler {
namespace {

using kube::Json;

Json pod_json(const std::string& more = "{}") {
  Json pod = Json::parse(R"({"metadata":{"name":"p","namespace":"ns","uid":"u"},
      "spec":{"schedulerName":"default-scheduler",
              "containers":[{"name":"c","image":"x","resources":{"requests":{"cpu":"1","memory":"1Gi"}}}]}})");
  pod.merge_patch(Json::parse(more));
  return pod;
}

PodDemand demand(const std::string& more = "{}") {
  Result<PodDemand> out = pod_demand(pod_json(more));
  EXPECT_TRUE(out.ok());
  return std::move(*out);
}

NodeOffer node(const std::string& name, const std::string& more = "{}") {
  Json object = Json::parse(R"({"metadata":{"labels":{"zone":"a"}},
      "status":{"allocatable":{"cpu":"4","memory":"8Gi","pods":"10"}}})");
  object["metadata"]["name"] = name;
  object["metadata"]["labels"]["kubernetes.io/hostname"] = name;
  object.merge_patch(Json::parse(more));
  return node_offer(object);
}

struct Case {
  const char* says;
  const char* pod;
  const char* node;
  const char* refusal;  // "" = none
};

TEST(Place, WhatKeepsAPodFromANode) {
  const Case cases[] = {
      {"room for all", "{}", "{}", ""},
      {"a lost node", "{}",
       R"({"spec":{"taints":[{"key":"node.kubernetes.io/unreachable","effect":"NoSchedule"}]}})",
       "0/1 nodes are available: 1 node was lost"},
      {"the default tolerations do not cover NoSchedule",
       R"({"spec":{"tolerations":[{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute"}]}})",
       R"({"spec":{"taints":[{"key":"node.kubernetes.io/not-ready","effect":"NoSchedule"}]}})",
       "0/1 nodes are available: 1 node(s) were not ready"},
      {"a cordoned node", "{}", R"({"spec":{"unschedulable":true}})",
       "0/1 nodes are available: 1 node(s) were unschedulable"},
      {"a cordoned node and a pod that does not mind",
       R"({"spec":{"tolerations":[{"operator":"Exists"}]}})", R"({"spec":{"unschedulable":true}})",
       ""},
      {"a taint", "{}",
       R"({"spec":{"taints":[{"key":"gpu","value":"only","effect":"NoSchedule"}]}})",
       "0/1 nodes are available: 1 node(s) had untolerated taint {gpu: only}"},
      {"a taint that is tolerated by value",
       R"({"spec":{"tolerations":[{"key":"gpu","value":"only"}]}})",
       R"({"spec":{"taints":[{"key":"gpu","value":"only","effect":"NoSchedule"}]}})", ""},
      {"a taint with another value", R"({"spec":{"tolerations":[{"key":"gpu","value":"no"}]}})",
       R"({"spec":{"taints":[{"key":"gpu","value":"only","effect":"NoSchedule"}]}})",
       "0/1 nodes are available: 1 node(s) had untolerated taint {gpu: only}"},
      {"a taint that only prefers", "{}",
       R"({"spec":{"taints":[{"key":"gpu","effect":"PreferNoSchedule"}]}})", ""},
      {"a selector that matches", R"({"spec":{"nodeSelector":{"zone":"a"}}})", "{}", ""},
      {"a selector that does not", R"({"spec":{"nodeSelector":{"zone":"b"}}})", "{}",
       "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector"},
      {"affinity by an expression",
       R"({"spec":{"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":
         {"nodeSelectorTerms":[{"matchExpressions":[{"key":"zone","operator":"NotIn","values":["a"]}]},
                               {"matchFields":[{"key":"metadata.name","operator":"In","values":["n"]}]}]}}}}})",
       "{}", ""},
      {"affinity by a number",
       R"({"spec":{"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":
         {"nodeSelectorTerms":[{"matchExpressions":[{"key":"gen","operator":"Gt","values":["8"]}]}]}}}}})",
       R"({"metadata":{"labels":{"gen":"8"}}})",
       "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector"},
      {"a term without expressions matches nothing",
       R"({"spec":{"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":
         {"nodeSelectorTerms":[{}]}}}}})",
       "{}", "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector"},
      {"two resources that lack",
       R"({"spec":{"containers":[{"name":"c","image":"x","resources":{"requests":{"cpu":"5","memory":"9Gi"}}}]}})",
       "{}", "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory"},
      {"an accelerator that no node has",
       R"({"spec":{"containers":[{"name":"c","image":"x","resources":{"limits":{"nvidia.com/gpu":1}}}]}})",
       "{}", "0/1 nodes are available: 1 Insufficient nvidia.com/gpu"},
      {"exactly all of it",
       R"({"spec":{"containers":[{"name":"c","image":"x","resources":{"requests":{"cpu":"4000m","memory":"8192Mi"}}}]}})",
       "{}", ""},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.says);
    const std::vector<NodeOffer> nodes = {node("n", one.node)};
    const Placement at = place(demand(one.pod), nodes);
    EXPECT_EQ(at.why, one.refusal);
    EXPECT_EQ(at.node, at.why.empty() ? "n" : "");
  }
}

TEST(Place, SaysTheCauseOfEveryGroupOfNodes) {
  std::vector<NodeOffer> nodes = {
      node("a", R"({"status":{"allocatable":{"memory":"1Mi"}}})"),
      node(
          "b",
          R"({"spec":{"taints":[{"key":"node.kubernetes.io/unreachable","effect":"NoExecute"}]}})"),
      node("c", R"({"status":{"allocatable":{"memory":"1Mi"}}})")};
  EXPECT_EQ(place(demand(), nodes).why,
            "0/3 nodes are available: 2 Insufficient memory, 1 node was lost");
  EXPECT_EQ(place(demand(), {}).why, "no nodes available to schedule pods");
  nodes[0] = node("a", R"({"status":{"allocatable":{"pods":"0"}}})");
  EXPECT_EQ(place(demand(), nodes).why,
            "0/3 nodes are available: 1 Insufficient memory, 1 Too many pods, 1 node was lost");
}

TEST(Place, ClaimsBindAPodToTheNodesOfTheirVolumes) {
  const Json pod = pod_json(
      R"({"spec":{"volumes":[{"name":"v","persistentVolumeClaim":{"claimName":"data"}}]}})");
  Json claim, volume, of_class;
  const ClaimLookup lookup{
      [&](std::string_view, std::string_view) { return claim.is_null() ? nullptr : &claim; },
      [&](std::string_view) { return volume.is_null() ? nullptr : &volume; },
      [&](std::string_view) { return of_class.is_null() ? nullptr : &of_class; }};
  const std::vector<NodeOffer> nodes = {node("a"), node("b")};
  const auto placed = [&] {
    PodDemand out = demand();
    add_claims(pod, lookup, out);
    return place(out, nodes);
  };
  EXPECT_EQ(placed().why, "0/2 nodes are available: persistentvolumeclaim \"data\" not found");
  claim = Json::parse(R"({"spec":{},"status":{"phase":"Pending"}})");
  EXPECT_EQ(placed().why,
            "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims: \"data\"");
  // A class whose volumes are made on the node of their first pod does not hold the pod up here.
  of_class = Json::parse(R"({"volumeBindingMode":"WaitForFirstConsumer"})");
  EXPECT_EQ(placed().node, "a");
  PodDemand waits = demand();
  add_claims(pod, lookup, waits);
  EXPECT_EQ(waits.claims_to_place, std::vector<std::string>{"data"});
  // The node that it was told is kept while it will do.
  claim["metadata"]["annotations"][kSelectedNode] = "b";
  EXPECT_EQ(placed().node, "b");
  claim["metadata"]["annotations"][kSelectedNode] = "gone";
  EXPECT_EQ(placed().node, "a");
  claim = Json::parse(R"({"spec":{"volumeName":"pv"},"status":{"phase":"Bound"}})");
  EXPECT_EQ(placed().why, "0/2 nodes are available: persistentvolume \"pv\" not found");
  volume = Json::parse(R"({"spec":{"hostPath":{"path":"/d"}}})");
  EXPECT_EQ(placed().node, "a");
  volume = Json::parse(R"({"spec":{"nodeAffinity":{"required":{"nodeSelectorTerms":
      [{"matchExpressions":[{"key":"kubernetes.io/hostname","operator":"In","values":["b"]}]}]}}}})");
  EXPECT_EQ(placed().node, "b");
  volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"][0]["matchExpressions"][0]
        ["values"] = {"z"};
  EXPECT_EQ(placed().why, "0/2 nodes are available: 2 node(s) had volume node affinity conflict");
}

TEST(Place, SpreadsAnOwnersPodsAndThenWhatIsLeftOver) {
  std::vector<NodeOffer> nodes = {node("a"), node("b"), node("c")};
  PodDemand pod = demand();
  pod.owner = "rs";
  // Node a is the emptiest, but has one of the owner's already.
  PodDemand other = pod;
  other.owner = "other";
  PodDemand small = pod;
  small.requests.clear();
  nodes[0].take(std::make_shared<PodDemand>(small));
  for (const std::size_t at : {1, 2, 2}) nodes[at].take(std::make_shared<PodDemand>(other));
  EXPECT_EQ(place(pod, nodes).node, "b");
  pod.owner.clear();
  EXPECT_EQ(place(pod, nodes).node, "a");
  // Equal in all: the first by name.
  const std::vector<NodeOffer> equal = {node("a"), node("b")};
  EXPECT_EQ(place(pod, equal).node, "a");
  // A preference outweighs the load.
  pod.preferred.emplace_back(
      10, node_term(Json::parse(
              R"({"matchFields":[{"key":"metadata.name","operator":"In","values":["c"]}]})")));
  EXPECT_EQ(place(pod, nodes).node, "c");
}

TEST(Place, WhoComesFirst) {
  PodDemand a = demand();
  PodDemand b = demand();
  a.key.name = "a";
  b.key.name = "b";
  EXPECT_TRUE(goes_before(a, b));
  b.created = "2026-01-01T00:00:00Z";
  a.created = "2026-01-01T00:00:01Z";
  EXPECT_TRUE(goes_before(b, a));
  a.priority = 1;
  EXPECT_TRUE(goes_before(a, b));
}

// The slow, obvious model: what is left of a node after the pods that are on it, as numbers.
struct Model {
  std::map<std::string, std::int64_t> free;  // of each resource
  std::int64_t places = 0;
  bool lost = false;
};

TEST(Place, NeverOverfillsANodeAndRefusesOnlyWhenNoneHasRoom) {
  std::mt19937_64 random(20261130);
  const auto upto = [&](int most) { return static_cast<std::int64_t>(random() % (most + 1)); };
  for (int round = 0; round < 200; ++round) {
    std::vector<NodeOffer> nodes;
    std::map<std::string, Model> model;
    for (int i = 0; i <= upto(4); ++i) {
      const std::string name = "n" + std::to_string(i);
      Model one{{{"cpu", upto(8)}, {"memory", upto(16)}, {"nvidia.com/gpu", upto(3)}},
                upto(6),
                upto(5) == 0};
      NodeOffer offer = node(name);
      for (const auto& [resource, amount] : one.free)
        offer.allocatable[resource] = Quantity(amount);
      offer.allocatable["pods"] = Quantity(one.places);
      if (one.lost) offer.taints.push_back({std::string(kUnreachableTaint), "", "NoSchedule"});
      nodes.push_back(std::move(offer));
      model[name] = one;
    }
    for (int i = 0; i < 20; ++i) {
      PodDemand pod;
      pod.owner = upto(1) == 0 ? "rs" : "";
      const std::map<std::string, std::int64_t> asks = {
          {"cpu", upto(4)}, {"memory", upto(8)}, {"nvidia.com/gpu", upto(2)}};
      for (const auto& [resource, amount] : asks) pod.requests[resource] = Quantity(amount);
      const auto fits = [&](const Model& one) {
        return !one.lost && one.places > 0 &&
               std::all_of(asks.begin(), asks.end(),
                           [&](const auto& ask) { return one.free.at(ask.first) >= ask.second; });
      };
      const Placement at = place(pod, nodes);
      EXPECT_EQ(place(pod, nodes).node, at.node);  // again the same
      const bool any = std::any_of(model.begin(), model.end(),
                                   [&](const auto& entry) { return fits(entry.second); });
      ASSERT_EQ(!at.node.empty(), any) << at.why;
      if (at.node.empty()) continue;
      Model& chosen = model[at.node];
      ASSERT_TRUE(fits(chosen));
      --chosen.places;
      for (const auto& [resource, amount] : asks) chosen.free[resource] -= amount;
      for (NodeOffer& offer : nodes) {
        if (offer.name == at.node) offer.take(std::make_shared<PodDemand>(pod));
      }
    }
  }
}

}  // namespace
}  // namespace nacelle::control::scheduler
