#include "control/core/kserve/config_status.h"

#include <gtest/gtest.h>

#include "kube/yaml.h"

namespace nacelle::control::kserve {
namespace {

using kube::text_at;

Json yaml(const char* text) { return *kube::json_of_yaml(text); }

std::string in_use(const Json& config) {
  for (const Json& condition : kube::list_at(config, {"status", "conditions"})) {
    if (text_at(condition, {"type"}) == "ConfigInUse") {
      return std::string(text_at(condition, {"reason"}));
    }
  }
  return "";
}

// Carries the decisions out until there are none; the number of writes.
int settle(Json& config, const std::vector<Json>& services) {
  std::vector<kube::ObjectKey> users;
  for (const Json& service : services) {
    for (const kube::ObjectKey& used : configs_of(service)) {
      if (used == kube::key_of(config)) users.push_back(kube::key_of(service));
    }
  }
  for (int writes = 0; writes < 10; ++writes) {
    const Decision decision = decide_config(config, users, "2026-01-01T00:00:00Z");
    if (decision.actions.empty()) return writes;
    for (const Action& action : decision.actions) {
      if (const auto* update = std::get_if<Update>(&action)) config = update->object;
      if (const auto* status = std::get_if<UpdateStatus>(&action)) config = status->object;
    }
  }
  return -1;
}

TEST(Configs, SayWhoUsesThemAndStayUntilNobodyDoes) {
  Json config = yaml("{kind: LLMInferenceServiceConfig, metadata: {name: base, namespace: team}}");
  std::vector<Json> services;
  EXPECT_EQ(settle(config, services), 1);
  EXPECT_EQ(in_use(config), "NotInUse");
  services.push_back(
      yaml("{metadata: {name: b, namespace: team}, spec: {baseRefs: [{name: base}]}}"));
  services.push_back(yaml(R"({metadata: {name: a, namespace: other}, status: {appliedConfigs:
    [{name: base, namespace: team, source: UserRef}]}})"));
  services.push_back(
      yaml("{metadata: {name: c, namespace: other}, spec: {baseRefs: [{name: base}]}}"));
  EXPECT_EQ(settle(config, services), 2) << "the finalizer, then the status";
  EXPECT_EQ(in_use(config), "InUse");
  EXPECT_EQ(config["status"]["referencedBy"],
            yaml("[{name: a, namespace: other}, {name: b, namespace: team}]"));
  config["metadata"]["deletionTimestamp"] = "2026-01-02T00:00:00Z";
  EXPECT_EQ(settle(config, services), 1);
  EXPECT_EQ(in_use(config), "DeletionBlocked");
  services.clear();
  EXPECT_GE(settle(config, services), 1);
  EXPECT_TRUE(config["metadata"]["finalizers"].empty());
}

}  // namespace
}  // namespace nacelle::control::kserve
