// pool_discovery.h: pools, their endpoints and their objects, from a Kubernetes API server.
//
// Watches InferencePools, the pods of each, and InferenceObjectives and InferenceModelRewrites of
// their namespaces, and tells a sink what changed. A change of a pool's selector keeps the old
// endpoints until the pods of the new one are listed. While the API server is away the last state
// stays.
//
// Home:    the client's loop, where the sink is called, too; synced() from any thread.
// Errors:  none leave: an object that makes no sense is left out with a log line.
// Bounds:  one watch per pool and five per namespace.
// Source:  router.md sections 13.1 to 13.4.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "async/task_scope.h"
#include "epp/inference_pool.h"
#include "kube/client.h"
#include "kube/informer.h"
#include "router/objective/inference_objective.h"

namespace nacelle::epp {

class PoolSink {
 public:
  virtual ~PoolSink() = default;
  // A pool appeared or changed; its endpoints follow.
  virtual void pool_found(const InferencePool& pool) = 0;
  virtual void pool_gone(const kube::ObjectKey& pool) = 0;
  virtual void endpoints_changed(const kube::ObjectKey& pool,
                                 const std::vector<router::FileEndpoint>& endpoints) = 0;
  // All objectives and rewrites of a namespace.
  virtual void objects_changed(const std::string& name_space,
                               const router::objective::ObjectiveSet& objects) = 0;
};

struct DiscoveryOptions {
  std::string pool_group = std::string(kPoolGroup);
  // The pools to serve. None: every pool of `name_space` whose endpointPickerRef names the Service
  // `picker_service`; "" as service is every pool.
  std::vector<kube::ObjectKey> pools;
  std::string name_space = "default";
  std::string picker_service;
  // A pool that is no object: pods by a selector's text. Then the three above do not count.
  std::vector<InferencePool> fixed;
  kube::BackoffLimits backoff;
  Duration absent_period = std::chrono::seconds(30);
};

class PoolDiscovery {
 public:
  // All outlive the discovery; `metrics` may be null.
  PoolDiscovery(kube::Client& client, DiscoveryOptions options, PoolSink& sink,
                kube::InformerMetrics* metrics);
  ~PoolDiscovery();

  void start();                            // on the loop
  [[nodiscard]] async::Task<void> stop();  // await before destruction

  // Every list was complete once, and there is a pool.
  [[nodiscard]] bool synced() const { return synced_; }

 private:
  struct Found;  // a pool and the watch of its pods
  struct Space;  // a namespace and its watches

  void watch_space(const std::string& name_space);
  [[nodiscard]] bool wanted(const InferencePool& pool) const;
  void reconcile_pools(Space& space);
  void adopt(const InferencePool& pool);
  void watch_pods(Found& found);
  void drop(const kube::ObjectKey& key);
  void reconcile_endpoints(const kube::ObjectKey& key);
  void reconcile_objects(Space& space);
  void update_synced();
  void retire(std::unique_ptr<kube::Informer> informer);
  static async::Task<void> end(std::unique_ptr<kube::Informer> informer);

  kube::Client& client_;
  const DiscoveryOptions options_;
  PoolSink& sink_;
  kube::InformerMetrics* metrics_;
  async::StopScope scope_;  // informers that are being stopped
  std::map<std::string, std::unique_ptr<Space>> spaces_;
  std::map<kube::ObjectKey, std::unique_ptr<Found>> pools_;
  std::atomic<bool> synced_{false};
};

}  // namespace nacelle::epp
