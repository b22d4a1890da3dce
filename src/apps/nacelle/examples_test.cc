// The example configurations are what they say: each one loads, pickers included.
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <map>
#include <set>
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

// What `kubectl apply` asks of every document, and that they name each other.
TEST(Examples, ThePickersManifestsBelongTogether) {
  const auto documents = YAML::LoadAllFromFile(example("epp/kubernetes.yaml"));
  std::map<std::string, YAML::Node> by_kind;
  for (const YAML::Node& document : documents) {
    ASSERT_TRUE(document["apiVersion"] && document["kind"] && document["metadata"]["name"]);
    by_kind[document["kind"].as<std::string>()] = document;
  }
  EXPECT_EQ(by_kind.size(), documents.size());
  const YAML::Node pod = by_kind.at("Deployment")["spec"]["template"];
  const auto name_of = [&](const char* kind) {
    return by_kind.at(kind)["metadata"]["name"].as<std::string>();
  };
  EXPECT_EQ(pod["spec"]["serviceAccountName"].as<std::string>(), name_of("ServiceAccount"));
  EXPECT_EQ(by_kind.at("RoleBinding")["roleRef"]["name"].as<std::string>(), name_of("Role"));
  EXPECT_EQ(by_kind.at("Service")["spec"]["selector"]["app"].as<std::string>(),
            pod["metadata"]["labels"]["app"].as<std::string>());
  const YAML::Node spec = by_kind.at("InferencePool")["spec"];
  EXPECT_EQ(spec["endpointPickerRef"]["name"].as<std::string>(), name_of("Service"));
  // The pool of --pool-name.
  const YAML::Node args = pod["spec"]["containers"][0]["args"];
  EXPECT_EQ(args[2].as<std::string>(), name_of("InferencePool"));
}

TEST(Examples, EnvoysRoutesAndFilterNameItsClusters) {
  const YAML::Node root = YAML::LoadFile(example("epp/envoy.yaml"));
  std::set<std::string> clusters;
  for (const YAML::Node& cluster : root["static_resources"]["clusters"]) {
    clusters.insert(cluster["name"].as<std::string>());
  }
  const YAML::Node manager =
      root["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"];
  const YAML::Node filter = manager["http_filters"][0]["typed_config"];
  const YAML::Node route = manager["route_config"]["virtual_hosts"][0]["routes"][0]["route"];
  EXPECT_TRUE(clusters.contains(route["cluster"].as<std::string>()));
  EXPECT_TRUE(
      clusters.contains(filter["grpc_service"]["envoy_grpc"]["cluster_name"].as<std::string>()));
  for (const char* mode : {"request_body_mode", "response_body_mode"}) {
    EXPECT_EQ(filter["processing_mode"][mode].as<std::string>(), "FULL_DUPLEX_STREAMED");
  }
}

}  // namespace
}  // namespace nacelle::apps
