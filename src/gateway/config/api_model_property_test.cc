// api_model_property_test.cc: models and statuses that were made one after the other are those that
// a reader who never saw the objects before would make, whatever changed between.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "gateway/config/api_status.h"
#include "gateway/config/documents.h"
#include "gateway/testing/fleet_objects.h"

namespace nacelle::gateway {
namespace {

using namespace testing;  // NOLINT: the fleet's words
using nlohmann::json;

std::string text_of(const RouteEntry& entry) {
  return fmt::format("{} {} {} {} {} {} -> {}", entry.host, entry.match.path.value,
                     static_cast<int>(entry.match.path.type), entry.name, entry.rule,
                     entry.position, entry.target);
}

std::string text_of(const RuleConfig& rule) {
  std::string out =
      fmt::format("{} {} holds {} invalid {} resume {} first {} idle {}", rule.cluster_name,
                  rule.name, rule.holds_body, rule.invalid, rule.resume,
                  rule.first_byte_timeout.count(), rule.stream_idle_timeout.count());
  for (const BackendConfig& backend : rule.backends) {
    out += fmt::format("; {} {} {} {}", backend.name, backend.cluster, backend.weight,
                       backend.priority);
  }
  return out;
}

// All that a model holds and that these objects can change.
std::string text_of(const GatewayModel& model) {
  std::string out;
  for (const PortConfig& port : model.ports) {
    out += fmt::format("port {}\n", port.address.to_string());
    for (std::size_t i = 0; i < port.listeners.size(); ++i) {
      out += fmt::format(" listener {} {}\n", port.listeners[i].name, port.listeners[i].hostname);
      for (const RouteEntry& entry : port.routes[i]) out += "  " + text_of(entry) + "\n";
    }
  }
  for (const RuleConfig& rule : model.rules) out += "rule " + text_of(rule) + "\n";
  for (const ClusterConfig& cluster : model.clusters) {
    out += fmt::format("cluster {}:", cluster.name);
    for (const std::string& endpoint : cluster.endpoints) {
      out += " " + endpoint;
      const auto labels = cluster.labels.find(endpoint);
      if (labels != cluster.labels.end()) out += json(labels->second).dump();
    }
    out += fmt::format(" picker {} {}\n", cluster.picker.policy, cluster.picker.objects);
  }
  return out;
}

std::string text_of(const std::vector<StatusWrite>& writes) {
  std::string out;
  for (const StatusWrite& write : writes) {
    out += fmt::format("{} {}: {}\n", (*write.object)["kind"].get<std::string>(),
                       (*write.object)["metadata"]["name"].get<std::string>(), write.status.dump());
  }
  return out;
}

// An API of a few services whose objects come, go and change, each on its own.
class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed) { objects_["Gateway gw"] = fleet_gateway(); }

  void change() {
    const std::string name = fmt::format("m{}", pick(6));
    switch (pick(10)) {
      case 0:
        for (const ApiObject& object : fleet_objects(name)) put(object);
        break;
      case 1:
        drop(fmt::format("{} {}", any_kind(), name));
        break;
      case 2:
        put(fleet_route(name, static_cast<int>(pick(3))));
        break;
      case 3:
        put(fleet_pod(name, static_cast<int>(pick(3)), pick(2) == 0), &pods_);
        break;
      case 4:
        if (!pods_.empty())
          pods_.erase(std::next(pods_.begin(), static_cast<long>(pick(pods_.size()))));
        break;
      case 5:
        put(policy(name));
        break;
      case 6:
        drop("GatewayPolicy " + name);
        break;
      case 7:  // one that cannot be read
        put(edited(fleet_route(name), [](json& o) { o["spec"]["rules"] = "none"; }));
        break;
      case 8:
        if (pick(4) == 0) {
          drop("Gateway gw");
        } else {
          put(fleet_gateway());
        }
        break;
      default:  // the same again: another pointer
        for (auto& [key, object] : objects_) {
          if (pick(5) == 0) object = shared(*object);
        }
    }
  }
  // Someone writes what a status is to be; or does not get round to it.
  void tell(const std::vector<StatusWrite>& writes) {
    for (const StatusWrite& write : writes) {
      if (pick(3) == 0) continue;
      put(edited(write.object, [&](json& o) { o["status"] = write.status; }));
    }
  }
  [[nodiscard]] std::vector<ApiObject> objects() const { return values(objects_); }
  [[nodiscard]] std::vector<ApiObject> pods() const { return values(pods_); }

 private:
  using Map = std::map<std::string, ApiObject>;

  std::size_t pick(std::size_t bound) { return random_() % bound; }
  const char* any_kind() {
    constexpr std::array kKinds = {"HTTPRoute", "InferencePool", "Service", "EndpointSlice"};
    return kKinds[pick(kKinds.size())];
  }
  static std::vector<ApiObject> values(const Map& map) {
    std::vector<ApiObject> out;
    for (const auto& [key, object] : map) out.push_back(object);
    return out;
  }
  template <class Edit>
  static ApiObject edited(const ApiObject& object, Edit edit) {
    json copy = *object;
    edit(copy);
    return shared(std::move(copy));
  }
  void put(const ApiObject& object, Map* to = nullptr) {
    (to == nullptr ? objects_
                   : *to)[fmt::format("{} {}", (*object)["kind"].get<std::string>(),
                                      (*object)["metadata"]["name"].get<std::string>())] = object;
  }
  void drop(const std::string& key) { objects_.erase(key); }
  ApiObject policy(const std::string& name) {
    const bool of_route = pick(2) == 0;
    json target = {
        {"group", of_route ? "gateway.networking.k8s.io" : "inference.networking.k8s.io"},
        {"kind", of_route ? "HTTPRoute" : "InferencePool"},
        {"name", name}};
    json spec = {{"targetRefs", {target}}};
    if (of_route) {
      spec["timeouts"] = {{"firstByte", fmt::format("{}s", 1 + pick(9))}};
    } else {
      spec["picker"] = {{"policy", "random"}};
    }
    return shared(
        named_object("gateway.nacelle.dev/v1alpha1", "GatewayPolicy", name, std::move(spec)));
  }

  std::mt19937_64 random_;
  Map objects_, pods_;
};

TEST(ApiModelProperty, WhatIsKeptIsWhatWouldBeMadeAnew) {
  const char* given = std::getenv("NACELLE_TEST_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
  SCOPED_TRACE(fmt::format("NACELLE_TEST_SEED={}", seed));
  World world(seed);
  ApiReader reader;
  StatusTeller teller;
  std::size_t with_rules = 0, with_writes = 0, settled = 0;
  for (int step = 0; step < 600; ++step) {
    world.change();
    const ApiModel kept = reader.model(world.objects(), world.pods(), Settings());
    const ApiModel anew = model_of_api(world.objects(), world.pods(), Settings());
    ASSERT_EQ(text_of(kept.model), text_of(anew.model)) << "step " << step;
    ASSERT_TRUE(kept.model.clusters == anew.model.clusters) << "step " << step;
    ASSERT_EQ(kept.left_out, anew.left_out) << "step " << step;
    ASSERT_TRUE(kept.report.routes == anew.report.routes) << "step " << step;

    const Status in_force = step % 7 == 0 ? unavailable("a port is taken") : Status();
    const StatusFacts facts{.report = kept.report,
                            .in_force = in_force,
                            .addresses = {"127.0.0.1"},
                            .now = "2026-01-01T00:00:00Z"};
    const auto writes = teller.differing(world.objects(), facts);
    ASSERT_EQ(text_of(writes), text_of(statuses_of(world.objects(), facts))) << "step " << step;
    world.tell(writes);
    with_rules += kept.model.rules.size() > 24 ? 1 : 0;
    with_writes += writes.empty() ? 0 : 1;
    settled += writes.empty() ? 1 : 0;
  }
  // The walk went through what it is about.
  EXPECT_GT(with_rules, 100u);
  EXPECT_GT(with_writes, 100u);
  EXPECT_GT(settled, 20u);
}

}  // namespace
}  // namespace nacelle::gateway
