// epp_kube.h: discovery by the Kubernetes API for an Endpoint Picker, and its leader election, on a
// thread of its own; and the environment that says where the API server is.
//
// Home:    start() on the owner's thread, which is none of the loops; the rest on any.
// Errors:  start(): a client that cannot be made of its configuration.
#pragma once

#include <future>
#include <memory>
#include <string>

#include "apps/nacelle/epp_options.h"
#include "apps/nacelle/otel_environment.h"
#include "async/mailbox.h"
#include "async/runtime.h"
#include "base/result.h"
#include "epp/pool_discovery.h"
#include "kube/leader_elector.h"
#include "kube/token_access.h"
#include "net/http/server_exchange.h"
#include "telemetry/metrics.h"

namespace nacelle::apps {

class EppKube {
 public:
  // `sink` outlives this. `options.kube` is set.
  [[nodiscard]] static Result<std::unique_ptr<EppKube>> start(const EppOptions& options,
                                                              epp::PoolSink& sink);
  ~EppKube();  // stops

  [[nodiscard]] bool synced() const { return discovery_->synced(); }
  // True without an election.
  [[nodiscard]] bool leads() const { return elector_ == nullptr || elector_->leads(); }
  // Gives the Lease back, so that another replica need not wait for its end.
  void resign();
  // Whether the bearer of the exchange's token may get its path. On the exchange's loop; kUnknown
  // when the API server takes longer than kReviewTime.
  [[nodiscard]] async::Task<kube::TokenAccess::Verdict> may_get(
      net::http::ServerExchange& exchange);
  static constexpr Duration kReviewTime = std::chrono::seconds(10);
  [[nodiscard]] const telemetry::Metrics& metrics() const { return metrics_; }

 private:
  EppKube() : runtime_(1), leaving_(runtime_.loop(0)), reviews_(runtime_.loop(0)) {}
  static async::Task<void> begin(EppKube* self);
  static async::Task<void> end(EppKube* self, std::promise<void>* ended);
  static async::Task<void> stop_elector(kube::LeaderElector* elector);
  using Verdicts = async::Mailbox<kube::TokenAccess::Verdict>;
  static async::Task<void> review(EppKube* self, std::string token, std::string path,
                                  std::shared_ptr<Verdicts> to);

  async::Runtime runtime_;
  async::StopScope leaving_;
  async::StopScope reviews_;
  telemetry::Metrics metrics_;
  kube::InformerMetrics informer_metrics_{metrics_};
  const SteadyClock clock_;
  std::unique_ptr<kube::Client> client_;
  std::unique_ptr<kube::TokenAccess> access_;
  std::unique_ptr<epp::PoolDiscovery> discovery_;
  std::unique_ptr<kube::LeaderElector> elector_;
};

// The Lease of the replicas that serve the same pools: named as upstream names it, so that both
// never lead at the same time.
[[nodiscard]] Result<kube::LeaderElectionOptions> election_options(const EppOptions& options,
                                                                   const std::string& host);

// --kubeconfig, else the files of $KUBECONFIG, else the pod's service account, else
// ~/.kube/config. not_found when there is none of them; unimplemented when the environment wants a
// proxy in front of it.
[[nodiscard]] Result<kube::ClientConfig> find_api_server(const std::string& kubeconfig,
                                                         const Environment& environment);

// What discovery is asked for. invalid_argument when the options name no pool.
[[nodiscard]] Result<epp::DiscoveryOptions> discovery_options(const EppOptions& options);

}  // namespace nacelle::apps
