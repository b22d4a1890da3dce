#include "apps/nacelle/pool_setup.h"

#include <string>

#include "gateway/tls.h"
#include "router/objective/objective_documents.h"
#include "router/policy.h"

namespace nacelle::apps {

Result<router::RouterSetup> load_pool_setup(const gateway::ClusterConfig& config,
                                            bool allow_experimental_plugins) {
  if (config.picker.plugins.empty()) {
    const auto text = router::policy_config(config.picker.policy);
    if (!text) return text.error().with_context(config.name);
    return router::load_router_setup(*text, config.picker.policy);
  }
  return router::load_router_setup(config.picker.plugins, config.name,
                                   {.allow_experimental_plugins = allow_experimental_plugins});
}

Status check_endpoints(const gateway::ClusterConfig& config) {
  if (!config.endpoints.empty() || config.discovered) return {};
  return invalid_argument("the pool has no endpoints; StaticEndpoints name them");
}

Status check_model(const gateway::GatewayModel& model, bool allow_experimental_plugins) {
  std::string problems;
  const auto note = [&problems](const Status& status) {
    if (!status.ok()) problems.append(problems.empty() ? "" : "\n").append(status.message());
  };
  for (const gateway::PortConfig& port : model.ports) {
    if (port.tls) note(gateway::make_server_tls(port).error());
  }
  for (const gateway::ClusterConfig& cluster : model.clusters) {
    if (cluster.tls)
      note(gateway::make_client_tls(*cluster.tls).error().with_context(cluster.name));
    if (cluster.kind != gateway::ClusterConfig::Kind::kPool) continue;
    note(check_endpoints(cluster).with_context(cluster.name));
    note(load_pool_setup(cluster, allow_experimental_plugins).error());
    if (cluster.picker.objects.empty()) continue;
    note(router::objective::parse_objective_documents(cluster.picker.objects)
             .error()
             .with_context(cluster.name));
  }
  return problems.empty() ? Status() : Status(Code::kInvalidArgument, problems);
}

}  // namespace nacelle::apps
