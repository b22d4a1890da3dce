#include "control/kube/node/node_metrics.h"

#include <algorithm>

#include "kube/time.h"

namespace nacelle::control::node {
namespace {

using kube::Json;

Json usage_of(const ContainerUsage& usage) {
  return {{"cpu", fmt::format("{}n", usage.cpu_nanocores)},
          {"memory", fmt::format("{}Ki", usage.memory_bytes / 1024)}};
}

Json metrics_object(const char* kind, const Json& of, const ContainerUsage& window) {
  const std::string at = kube::timestamp(
      std::chrono::duration_cast<std::chrono::seconds>(window.at.time_since_epoch()).count());
  Json out = {
      {"kind", kind},
      {"apiVersion", "metrics.k8s.io/v1beta1"},
      {"metadata", {{"name", kube::text_at(of, {"metadata", "name"})}, {"creationTimestamp", at}}},
      {"timestamp", at},
      {"window", fmt::format("{:.3f}s", to_seconds(window.window))}};
  const Json& labels = kube::map_at(of, {"metadata", "labels"});
  if (!labels.empty()) out["metadata"]["labels"] = labels;
  const std::string_view name_space = kube::text_at(of, {"metadata", "namespace"});
  if (!name_space.empty()) out["metadata"]["namespace"] = name_space;
  return out;
}

}  // namespace

async::Task<Result<std::vector<Json>>> NodeMetrics::read(async::Loop& loop, std::string collection,
                                                         std::string name_space) {
  auto question = [pods = collection == kPods, name_space = std::move(name_space)](
                      MetricsSource& source) -> Result<std::vector<Json>> {
    return pods ? source.pod_metrics(name_space) : source.node_metrics();
  };
  co_return co_await SourceDoor<MetricsSource>::ask<std::vector<Json>>(door_, &loop,
                                                                       std::move(question));
}

Json pod_metrics_object(const Json& pod, std::span<const NamedUsage> containers) {
  // They are sampled together; the shortest window is that of the youngest.
  const auto youngest = std::min_element(
      containers.begin(), containers.end(),
      [](const auto& a, const auto& b) { return a.second.window < b.second.window; });
  Json out = metrics_object("PodMetrics", pod, youngest->second);
  out["containers"] = Json::array();
  for (const auto& [name, usage] : containers) {
    out["containers"].push_back({{"name", name}, {"usage", usage_of(usage)}});
  }
  return out;
}

Json node_metrics_object(const Json& node, const ContainerUsage& sum) {
  Json out = metrics_object("NodeMetrics", node, sum);
  out["usage"] = usage_of(sum);
  return out;
}

}  // namespace nacelle::control::node
