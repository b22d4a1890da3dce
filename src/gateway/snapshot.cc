#include "gateway/snapshot.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "gateway/upstream/retry.h"

namespace nacelle::gateway {

bool Snapshot::any_serving() const {
  return clusters.empty() ||
         std::any_of(clusters.begin(), clusters.end(), [](const std::shared_ptr<Cluster>& cluster) {
           return cluster->picker->any_serving();
         });
}

namespace {

// A pool whose endpoints come and go keeps its picker, and with it the prefix index.
std::shared_ptr<Cluster> with_new_endpoints(const Cluster& old, const ClusterConfig& config,
                                            GatewayMetrics& metrics) {
  if (!config.discovered || old.config.name != config.name) return nullptr;
  ClusterConfig expected = old.config;
  expected.endpoints = config.endpoints;
  expected.labels = config.labels;
  if (expected != config || !old.picker->replace_endpoints(config)) return nullptr;
  return std::make_shared<Cluster>(config, old.picker, old.tls, metrics);
}

}  // namespace

Result<std::shared_ptr<Snapshot>> make_snapshot(GatewayModel model, const PickerFactory& pickers,
                                                GatewayMetrics& metrics, const Snapshot* before) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->generation = before == nullptr ? 1 : before->generation + 1;
  snapshot->model = std::move(model);
  const GatewayModel& m = snapshot->model;
  std::unordered_map<std::string_view, const std::shared_ptr<Cluster>*> known;
  if (before != nullptr) {
    for (const auto& old : before->clusters) known.emplace(old->config.name, &old);
  }
  for (const ClusterConfig& config : m.clusters) {
    std::shared_ptr<Cluster> cluster;
    if (const auto old = known.find(config.name); old != known.end()) {
      cluster = (*old->second)->config == config
                    ? *old->second
                    : with_new_endpoints(**old->second, config, metrics);
    }
    if (!cluster) {
      auto picker = pickers(config);
      if (!picker) return picker.error().with_context(config.name);
      Cluster::Tls tls;
      if (config.tls) {
        auto context = make_client_tls(*config.tls);
        if (!context) return context.error().with_context(config.name);
        tls = std::move(*context);
      }
      cluster = std::make_shared<Cluster>(config, std::move(*picker), std::move(tls), metrics);
    }
    snapshot->clusters.push_back(std::move(cluster));
  }
  for (const RuleConfig& config : m.rules) {
    RuleRuntime rule;
    rule.config = &config;
    bool pool = false;
    for (const BackendConfig& backend : config.backends) {
      if (backend.weight > 0) rule.levels.push_back(backend.priority);
      pool = pool || (backend.cluster != kNoCluster &&
                      m.clusters[backend.cluster].kind == ClusterConfig::Kind::kPool);
    }
    std::sort(rule.levels.begin(), rule.levels.end());
    rule.levels.erase(std::unique(rule.levels.begin(), rule.levels.end()), rule.levels.end());
    rule.retry = config.retry ? *config.retry : default_retry(pool, m.settings.limits.max_attempts);
    rule.metrics = &metrics.route(config.cluster_name);
    snapshot->rules.push_back(std::move(rule));
  }
  for (PortConfig& config : snapshot->model.ports) {
    std::vector<RouteListener> listeners;
    for (std::size_t i = 0; i < config.listeners.size(); ++i) {
      // The table owns them from here on.
      listeners.push_back({config.listeners[i].name, config.listeners[i].hostname,
                           RouteTable(std::move(config.routes[i]))});
    }
    snapshot->ports.push_back({0, &config, PortTable(std::move(listeners))});
  }
  return snapshot;
}

}  // namespace nacelle::gateway
