#include "control/core/scheduler/topology.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace nacelle::control::scheduler {
namespace {

using kube::Json;

PodDemand pod(const std::string& labels, const std::string& spec = "{}",
              const std::string& name_space = "ns") {
  Json object = {
      {"metadata",
       {{"name", "p"}, {"namespace", name_space}, {"uid", "u"}, {"labels", Json::parse(labels)}}},
      {"spec", Json::parse(spec)}};
  object["spec"]["containers"] = Json::parse(R"([{"name":"c","image":"x"}])");
  Result<PodDemand> out = pod_demand(object);
  EXPECT_TRUE(out.ok());
  return std::move(*out);
}

std::vector<NodeOffer> nodes_in(const std::vector<std::string>& zones) {
  std::vector<NodeOffer> out;
  for (const std::string& zone : zones) {
    NodeOffer node;
    node.name = "n" + std::to_string(out.size());
    node.labels = {{"kubernetes.io/hostname", node.name}};
    if (!zone.empty()) node.labels["zone"] = zone;
    node.allocatable["pods"] = Quantity(100);
    out.push_back(std::move(node));
  }
  return out;
}

void put(NodeOffer& node, PodDemand what) {
  node.take(std::make_shared<const PodDemand>(std::move(what)));
}

std::string affinity(const char* kind, const char* terms) {
  return fmt::format(
      R"({{"affinity":{{"{}":{{"requiredDuringSchedulingIgnoredDuringExecution":[{}]}}}}}})", kind,
      terms);
}

TEST(Topology, ApartInTheSameDomain) {
  std::vector<NodeOffer> nodes = nodes_in({"a", "a", "b", ""});
  const std::string apart = affinity(
      "podAntiAffinity", R"({"topologyKey":"zone","labelSelector":{"matchLabels":{"app":"db"}}})");
  put(nodes[0], pod(R"({"app":"db"})"));
  // n1 is in the zone of n0; n2 and n3 are not.
  EXPECT_EQ(place(pod(R"({"app":"db"})", apart), nodes).node, "n2");
  put(nodes[2], pod(R"({"app":"db"})"));
  EXPECT_EQ(place(pod(R"({"app":"db"})", apart), nodes).node, "n3");  // in no zone at all
  nodes.pop_back();
  EXPECT_EQ(place(pod(R"({"app":"db"})", apart), nodes).why,
            "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules");
  // Pods of other namespaces are not meant, unless it says so.
  EXPECT_EQ(place(pod(R"({"app":"db"})", apart, "other"), nodes).node, "n1");
  const std::string everywhere = affinity(
      "podAntiAffinity",
      R"({"topologyKey":"zone","labelSelector":{"matchLabels":{"app":"db"}},"namespaceSelector":{}})");
  EXPECT_EQ(place(pod(R"({"app":"db"})", everywhere, "other"), nodes).node, "");
}

TEST(Topology, PodsThatAreThereKeepOthersOut) {
  std::vector<NodeOffer> nodes = nodes_in({"a", "b"});
  put(nodes[0], pod(R"({"app":"alone"})",
                    affinity("podAntiAffinity",
                             R"({"topologyKey":"zone","labelSelector":{"matchExpressions":
                                 [{"key":"app","operator":"Exists"}]}})")));
  EXPECT_EQ(place(pod(R"({"app":"x"})"), nodes).node, "n1");
  EXPECT_EQ(place(pod("{}"), nodes).node, "n1");  // not meant, but n1 is emptier
  nodes.pop_back();
  EXPECT_EQ(place(pod(R"({"app":"x"})"), nodes).why,
            "0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules");
  EXPECT_EQ(place(pod("{}"), nodes).node, "n0");
}

TEST(Topology, NearAndTheFirstOfAGroup) {
  std::vector<NodeOffer> nodes = nodes_in({"a", "b", "b"});
  const std::string near = affinity(
      "podAffinity", R"({"topologyKey":"zone","labelSelector":{"matchLabels":{"app":"web"}}})");
  EXPECT_EQ(place(pod(R"({"app":"cache"})", near), nodes).why,
            "0/3 nodes are available: 3 node(s) didn't match pod affinity rules");
  // A pod of the group itself may begin it.
  EXPECT_EQ(place(pod(R"({"app":"web"})", near), nodes).node, "n0");
  put(nodes[1], pod(R"({"app":"web"})"));
  EXPECT_EQ(place(pod(R"({"app":"cache"})", near), nodes).node, "n2");
}

TEST(Topology, PreferencesDecideAmongThoseThatMay) {
  std::vector<NodeOffer> nodes = nodes_in({"a", "b"});
  put(nodes[0], pod(R"({"app":"web"})"));
  const char* preferred =
      R"({"affinity":{"podAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[
          {"weight":10,"podAffinityTerm":{"topologyKey":"zone","labelSelector":{"matchLabels":{"app":"web"}}}}]}}})";
  EXPECT_EQ(place(pod("{}"), nodes).node, "n1");
  EXPECT_EQ(place(pod("{}", preferred), nodes).node, "n0");
}

const char* const kSpread =
    R"({"topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"DoNotSchedule",
        "labelSelector":{"matchLabels":{"app":"web"}}}]})";

TEST(Topology, SpreadCountsDomainsThatThePodMayUse) {
  std::vector<NodeOffer> nodes = nodes_in({"a", "b", ""});
  put(nodes[0], pod(R"({"app":"web"})"));
  EXPECT_EQ(place(pod(R"({"app":"web"})", kSpread), nodes).node, "n1");
  // Zone b is full: one more in a would be uneven, and a node without a zone is none.
  nodes[1].allocatable["pods"] = Quantity(0);
  EXPECT_EQ(place(pod(R"({"app":"web"})", kSpread), nodes).why,
            "0/3 nodes are available: 2 node(s) didn't match pod topology spread constraints, 1 "
            "Too many pods");
  Json spec = Json::parse(kSpread);
  spec["topologySpreadConstraints"][0]["whenUnsatisfiable"] = "ScheduleAnyway";
  EXPECT_EQ(place(pod(R"({"app":"web"})", spec.dump()), nodes).node, "n2");
  // Where its selector does not let it go does not count.
  spec = Json::parse(kSpread);
  spec["nodeSelector"]["zone"] = "a";
  EXPECT_EQ(place(pod(R"({"app":"web"})", spec.dump()), nodes).node, "n0");
}

// The slow model: count by hand after every placement.
TEST(Topology, RandomPlacementsKeepTheirPromises) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 100; ++round) {
    std::vector<std::string> zones;
    for (std::uint64_t i = 0; i < 2 + random() % 5; ++i) {
      zones.push_back(std::string(1, static_cast<char>('a' + random() % 3)));
    }
    std::vector<NodeOffer> nodes = nodes_in(zones);
    for (NodeOffer& node : nodes) {
      node.allocatable["pods"] = Quantity(static_cast<std::int64_t>(random() % 4));
    }
    const std::string apart =
        affinity("podAntiAffinity",
                 R"({"topologyKey":"zone","labelSelector":{"matchLabels":{"app":"db"}}})");
    const auto in_zone = [&](const std::string& zone, const std::string& app) {
      std::int64_t out = 0;
      for (const NodeOffer& node : nodes) {
        if (node.labels.at("zone") != zone) continue;
        for (const auto& one : node.placed) out += one->relations.labels.at("app") == app;
      }
      return out;
    };
    const auto has_room = [](const NodeOffer& node) {
      return static_cast<std::int64_t>(node.pods) < node.allocatable.at("pods").value();
    };
    for (int i = 0; i < 12; ++i) {
      const bool db = random() % 2 == 0;
      PodDemand next = db ? pod(R"({"app":"db"})", apart) : pod(R"({"app":"web"})", kSpread);
      std::int64_t least = INT64_MAX;
      for (const std::string& zone : zones) least = std::min(least, in_zone(zone, "web"));
      const auto may = [&](const NodeOffer& node) {
        const std::string& zone = node.labels.at("zone");
        return has_room(node) &&
               (db ? in_zone(zone, "db") == 0 : in_zone(zone, "web") + 1 - least <= 1);
      };
      const bool any = std::any_of(nodes.begin(), nodes.end(), may);
      const Placement at = place(next, nodes);
      ASSERT_EQ(!at.node.empty(), any) << at.why;
      for (NodeOffer& node : nodes) {
        if (node.name != at.node) continue;
        ASSERT_TRUE(may(node));
        put(node, next);
      }
    }
  }
}

}  // namespace
}  // namespace nacelle::control::scheduler
