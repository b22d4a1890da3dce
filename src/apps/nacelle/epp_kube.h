// epp_kube.h: discovery by the Kubernetes API for an Endpoint Picker, on a thread of its own, and
// the environment that says where the API server is.
//
// Home:    start() and stop() on the owner's thread, which is none of the loops.
// Errors:  start(): a client that cannot be made of its configuration.
#pragma once

#include <memory>
#include <string>

#include "apps/nacelle/epp_options.h"
#include "apps/nacelle/otel_environment.h"
#include "async/runtime.h"
#include "base/result.h"
#include "epp/pool_discovery.h"
#include "telemetry/metrics.h"

namespace nacelle::apps {

class EppKube {
 public:
  // `sink` outlives this. `options.kube` is set.
  [[nodiscard]] static Result<std::unique_ptr<EppKube>> start(const EppOptions& options,
                                                              epp::PoolSink& sink);
  ~EppKube();  // stops

  [[nodiscard]] bool synced() const { return discovery_->synced(); }
  [[nodiscard]] const telemetry::Metrics& metrics() const { return metrics_; }

 private:
  EppKube() : runtime_(1) {}

  async::Runtime runtime_;
  telemetry::Metrics metrics_;
  kube::InformerMetrics informer_metrics_{metrics_};
  std::unique_ptr<kube::Client> client_;
  std::unique_ptr<epp::PoolDiscovery> discovery_;
};

// --kubeconfig, else $KUBECONFIG's first file, else the pod's service account, else
// ~/.kube/config. not_found when there is none of them.
[[nodiscard]] Result<kube::ClientConfig> find_api_server(const std::string& kubeconfig,
                                                         const Environment& environment);

// What discovery is asked for. invalid_argument when the options name no pool.
[[nodiscard]] Result<epp::DiscoveryOptions> discovery_options(const EppOptions& options);

}  // namespace nacelle::apps
