// The example configurations are what they say: each one loads, pickers included.
#include <gtest/gtest.h>

#include <string>

#include "base/file.h"
#include "gateway/config/load.h"
#include "router/config/router_setup.h"
#include "router/objective/objective_documents.h"
#include "router/objective/objective_table.h"
#include "router/precise_prefix.h"
#include "router/producer/predicted_latency/predicted_latency.h"

namespace nacelle::apps {
namespace {

std::string example(const std::string& path) {
  return std::string(NACELLE_SOURCE_DIR) + "/examples/" + path;
}

Result<gateway::ClusterConfig> cluster_of(const std::string& path) {
  ASSIGN_OR_RETURN(gateway::GatewayModel model, gateway::load_model({example(path)}));
  if (model.clusters.size() != 1) return internal("{} clusters", model.clusters.size());
  return std::move(model.clusters.front());
}

TEST(Examples, PreciseNamesItsTokenizerAndItsPublishers) {
  auto cluster = cluster_of("router/precise/gateway.yaml");
  ASSERT_TRUE(cluster) << cluster.error().message();
  auto setup = router::load_router_setup(cluster->picker.plugins, "epp.yaml");
  ASSERT_TRUE(setup) << setup.error().message();
  EXPECT_TRUE(router::wants_precise(*setup));
  EXPECT_EQ(setup->tokens.model_path, "models/demo");
}

TEST(Examples, LatencyWantsPredictions) {
  auto cluster = cluster_of("router/latency/gateway.yaml");
  ASSERT_TRUE(cluster) << cluster.error().message();
  auto setup = router::load_router_setup(cluster->picker.plugins, "epp.yaml");
  ASSERT_TRUE(setup) << setup.error().message();
  const auto* producer = setup->schedule.find<router::PredictedLatency>();
  ASSERT_NE(producer, nullptr);
  EXPECT_TRUE(producer->config().streaming_mode);
}

TEST(Examples, FlowControlHasObjectivesAndARewrite) {
  auto cluster = cluster_of("gateway/flow-control.yaml");
  ASSERT_TRUE(cluster) << cluster.error().message();
  auto setup = router::load_router_setup(cluster->picker.plugins, "picker");
  ASSERT_TRUE(setup) << setup.error().message();
  EXPECT_TRUE(setup->flow_control.enabled);
  auto objects = router::objective::parse_objective_documents(cluster->picker.objects);
  ASSERT_TRUE(objects) << objects.error().message();
  const router::objective::ObjectiveTable table(*objects, {.name_space = "default", .name = "llm"});
  EXPECT_EQ(table.priority_of("gold"), 2);
  EXPECT_EQ(table.priority_of("batch"), -1);
  EXPECT_TRUE(table.rewrite_of("chat", 0).has_value());
}

}  // namespace
}  // namespace nacelle::apps
