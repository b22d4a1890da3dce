// KServe's worked examples beside the controllers of their Deployments, in any order.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <sstream>

#include "control/core/children.h"
#include "control/core/kserve/admission.h"
#include "control/core/kserve/testing/neighbours.h"
#include "kube/time.h"
#include "kube/yaml.h"

namespace nacelle::control::kserve {
namespace {

using kube::text_at;
using testing::World;

Json load(const std::string& name) {
  std::ostringstream text;
  text << std::ifstream(std::filesystem::path(NACELLE_TESTDATA) / "kserve" / name).rdbuf();
  auto object = kube::json_of_yaml(text.str());
  EXPECT_TRUE(object.ok()) << name;
  return object.ok() ? *object : Json();
}

struct Scene {
  std::vector<Json> configs;  // beside the presets
  World world;

  explicit Scene(const std::string& example)
      : world([this](World& w) { return deciders(w); },
              [](World& w) {
                w.finish_deletions();
                testing::run_workloads(w);
                testing::accept_routes(w);
              }) {
    if (example == "e10-shared-config") configs.push_back(load(example + ".config.yaml"));
    Json service = load(example + ".yaml");
    service["metadata"].erase("finalizers");
    default_service(service);
    world.add(std::move(service));
  }

  std::vector<World::Decider> deciders(World& w) {
    std::vector<World::Decider> out;
    out.push_back([this, &w] {
      const Json* service = w.find("LLMInferenceService", "chat");
      return service == nullptr ? Decision{} : decide_now(w, *service);
    });
    testing::add_neighbours(w, out);
    return out;
  }

  Decision decide_now(World& w, const Json& service) {
    Observed observed;
    observed.now = kube::timestamp(w.now);
    observed.gateways = testing::gateways();
    for (const Json& object : w.objects()) {
      const std::string_view kind = text_at(object, {"kind"});
      if (controller_of(object) == text_at(service, {"metadata", "uid"}) ||
          kind == "ClusterRoleBinding") {
        observed.children.push_back(object);
      }
      if (kind == "Pod" &&
          text_at(object, {"metadata", "labels", "app.kubernetes.io/name"}) == "chat") {
        observed.pods.push_back(object);
      }
    }
    Lookup lookup = testing::preset_lookup();
    lookup.config = [this, presets = lookup.config](std::string_view name_space,
                                                    std::string_view name) -> const Json* {
      for (const Json& config : configs) {
        if (kube::key_of(config).name == name && name_space == "n") return &config;
      }
      return presets(name_space, name);
    };
    return decide(service, {}, {.rbac = true, .old_pools = false}, lookup, observed);
  }
};

// What must be the same in the end, whatever the names and times.
Json essence(Scene& scene) {
  Json out;
  for (const Json& object : scene.world.objects()) {
    const std::string kind(text_at(object, {"kind"}));
    if (kind == "Pod" || kind == "ReplicaSet") {
      // Their names are made up; what they are of counts.
      Json& of =
          out[kind]
             [std::string(text_at(object, {"metadata", "labels", "app.kubernetes.io/component"}))];
      of = of.is_null() ? Json(1) : Json(of.get<int>() + 1);
      continue;
    }
    Json& of = out[kind][kube::key_of(object).name];
    of["spec"] = object.value("spec", Json());
    for (const Json& condition : kube::list_at(object, {"status", "conditions"})) {
      of["conditions"][condition.value("type", "")] = {condition.value("status", ""),
                                                       condition.value("reason", "")};
    }
  }
  return out;
}

class ExamplesInAnyOrder : public ::testing::TestWithParam<const char*> {};

TEST_P(ExamplesInAnyOrder, ComeToTheSameEndAndThenWriteNothing) {
  Scene calm(GetParam());
  ASSERT_TRUE(calm.world.settle(3000)) << calm.world.text();
  EXPECT_EQ(calm.world.writes_to_settle(), 0);
  const Json end = essence(calm);
  for (std::uint32_t seed = 0; seed < 3; ++seed) {
    std::mt19937 dice(seed);
    Scene wild(GetParam());
    wild.world.stumble(dice, 100);
    // A user stops it and lets it go on; the clock jumps.
    wild.world.edit("LLMInferenceService", "chat", [](Json& service) {
      service["metadata"]["annotations"]["serving.kserve.io/stop"] = "true";
    });
    wild.world.stumble(dice, 60);
    wild.world.now += seed == 1 ? 3600 : seed == 2 ? -3600 : 0;
    wild.world.edit("LLMInferenceService", "chat", [](Json& service) {
      service["metadata"]["annotations"].erase("serving.kserve.io/stop");
    });
    wild.world.stumble(dice, 60);
    ASSERT_TRUE(wild.world.settle(3000)) << "seed " << seed << wild.world.text();
    const Json seen = essence(wild);
    ASSERT_EQ(seen, end) << "seed " << seed << Json::diff(end, seen).dump(1);
    ASSERT_EQ(wild.world.writes_to_settle(), 0) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(KServe, ExamplesInAnyOrder,
                         ::testing::Values("e1-single-node", "e2-no-scheduler", "e3-prefill-decode",
                                           "e4-data-parallel", "e5-prefill-decode-multi-node",
                                           "e6-lora", "e7-scaling", "e8-canary",
                                           "e10-shared-config"));

}  // namespace
}  // namespace nacelle::control::kserve
