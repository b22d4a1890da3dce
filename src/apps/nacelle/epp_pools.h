// epp_pools.h: the pools of one Endpoint Picker, and which of them a stream is for.
//
// Pools come from the command line, or come and go with the InferencePools of an API server. A pool
// that went is stopped at once; streams that still use it are answered.
//
// Home:    any thread; the PoolSink's calls on one loop at a time; stop() on loop 0.
// Errors:  choose(): not_found when the stream names no pool of ours, unavailable while there is
//          none at all.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "apps/nacelle/epp_pool.h"
#include "async/runtime.h"
#include "async/task_scope.h"
#include "epp/pool_discovery.h"
#include "net/http/headers.h"

namespace nacelle::apps {

class EppPools final : public epp::PoolSink {
 public:
  // The runtime runs and outlives the pools, and so does `spans`, which may be null. `objects` are
  // those of files, for every pool.
  EppPools(async::Runtime& runtime, EppOptions options, router::objective::ObjectiveSet objects,
           tracing::SpanExporter* spans);

  // A pool whose endpoints a file lists.
  [[nodiscard]] Status add(const kube::ObjectKey& key, const std::string& endpoints_file);

  // By the gRPC metadata of a stream (epp/pool_choice.h).
  [[nodiscard]] Result<std::shared_ptr<EppPool>> choose(const net::http::Headers& metadata) const;

  // The page of /metrics. One pool keeps its names and labels as they are; of several, each sample
  // says its pool: inference_pool and inference_pool_namespace.
  [[nodiscard]] std::string metrics_text() const;
  [[nodiscard]] std::size_t size() const;

  void pool_found(const epp::InferencePool& pool) override;
  void pool_gone(const kube::ObjectKey& pool) override;
  void endpoints_changed(const kube::ObjectKey& pool,
                         const std::vector<router::FileEndpoint>& endpoints) override;
  void objects_changed(const std::string& name_space,
                       const router::objective::ObjectiveSet& objects) override;

  [[nodiscard]] async::Task<void> stop();

 private:
  using Pool = std::shared_ptr<EppPool>;
  struct Table {  // immutable; replaced as a whole
    std::vector<epp::PoolName> names;
    std::vector<Pool> pools;
  };
  using TablePtr = std::shared_ptr<const Table>;

  [[nodiscard]] TablePtr table() const;
  [[nodiscard]] Pool find(const kube::ObjectKey& key) const;
  [[nodiscard]] Status open(epp::PoolName name, const std::string& endpoints_file);
  // Takes a pool out; null when there is none.
  Pool take(const kube::ObjectKey& key);
  void publish(Table next);
  [[nodiscard]] router::objective::ObjectiveSet objects_of(const std::string& name_space) const;
  static async::Task<void> stop_one(Pool pool);

  async::Runtime& runtime_;
  const EppOptions options_;
  const bool several_;  // pools are labelled, whatever their number is at the moment
  const router::objective::ObjectiveSet file_objects_;
  tracing::SpanExporter* const spans_;
  async::StopScope leaving_;  // loop 0
  mutable std::mutex mutex_;  // leaf
  TablePtr table_ = std::make_shared<const Table>();
  std::map<std::string, router::objective::ObjectiveSet> objects_;  // by namespace
};

}  // namespace nacelle::apps
