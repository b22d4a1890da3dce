// pool_metrics.h: LLMInferencePools in numbers, for a collector of /metrics.
//
//   llmd:pool_gpu_budget{namespace,pool}
//   llmd:pool_gpu_allocated{namespace,pool,service}
//   llmd:pool_entitlement{namespace,pool,service}                in replicas
//   llmd:pool_evictions_total{namespace,pool,service,reason}     reason: LowPriority
//
// Home:    thread-safe.
// Source:  scaling-and-benchmarks.md section 9, row 20.
#pragma once

#include <map>
#include <mutex>

#include "control/core/llmd/pool_status.h"
#include "telemetry/metrics.h"

namespace nacelle::control {

class PoolMetrics {
 public:
  void set(const kube::ObjectKey& pool, llmd::PoolFigures figures);
  void forget(const kube::ObjectKey& pool);
  void collect(telemetry::Snapshot& out) const;

 private:
  mutable std::mutex mutex_;
  std::map<kube::ObjectKey, llmd::PoolFigures> pools_;  // guarded
};

}  // namespace nacelle::control
