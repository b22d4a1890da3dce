// node_metrics.h: metrics.k8s.io of the nodes of this process: what their pods use.
//
// A node's usage is that of its pods: the rest of the machine belongs to none of them.
//
// Home:    read() on any loop; attach() and detach() on the agents' loop; the objects are pure.
// Errors:  unavailable while the nodes are not running.
// Source:  k8s.io/metrics v1beta1.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/kube/node/source_door.h"
#include "control/local/node/usage_meter.h"
#include "kube/api_server.h"

namespace nacelle::control::node {

// What the metrics ask of the nodes, on the agents' loop.
class MetricsSource {
 public:
  virtual ~MetricsSource() = default;
  [[nodiscard]] virtual std::vector<kube::Json> pod_metrics(std::string_view name_space) = 0;
  [[nodiscard]] virtual std::vector<kube::Json> node_metrics() = 0;
};

class NodeMetrics final : public kube::ObjectSource {
 public:
  static constexpr const char* kPods = "pods.metrics.k8s.io";
  static constexpr const char* kNodes = "nodes.metrics.k8s.io";

  [[nodiscard]] async::Task<Result<std::vector<kube::Json>>> read(async::Loop& loop,
                                                                  std::string collection,
                                                                  std::string name_space) override;

  // For ApiServerOptions.
  [[nodiscard]] std::map<std::string, kube::ObjectSource*, std::less<>> sources() {
    return {{kPods, this}, {kNodes, this}};
  }

  void attach(async::Loop& loop, MetricsSource& source) { door_->attach(loop, source); }
  void detach() { door_->detach(); }

 private:
  std::shared_ptr<SourceDoor<MetricsSource>> door_ = std::make_shared<SourceDoor<MetricsSource>>();
};

using NamedUsage = std::pair<std::string, ContainerUsage>;
// `pod` is the Pod; `containers` is not empty.
[[nodiscard]] kube::Json pod_metrics_object(const kube::Json& pod,
                                            std::span<const NamedUsage> containers);
// `node` is the Node; `sum` is of its pods.
[[nodiscard]] kube::Json node_metrics_object(const kube::Json& node, const ContainerUsage& sum);

}  // namespace nacelle::control::node
