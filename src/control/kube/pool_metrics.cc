#include "control/kube/pool_metrics.h"

#include <utility>

namespace nacelle::control {

void PoolMetrics::set(const kube::ObjectKey& pool, llmd::PoolFigures figures) {
  const std::lock_guard lock(mutex_);
  pools_[pool] = std::move(figures);
}

void PoolMetrics::forget(const kube::ObjectKey& pool) {
  const std::lock_guard lock(mutex_);
  pools_.erase(pool);
}

void PoolMetrics::collect(telemetry::Snapshot& out) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, figures] : pools_) {
    telemetry::Labels labels = {{"namespace", key.name_space}, {"pool", key.name}};
    out.gauge("llmd:pool_gpu_budget", "GPUs that the services of a pool share.", labels,
              static_cast<double>(figures.budget));
    for (const llmd::PoolFigures::Service& service : figures.services) {
      telemetry::Labels of = labels;
      of.emplace_back("service", service.name);
      out.gauge("llmd:pool_gpu_allocated", "GPUs that a service may have now.", of,
                static_cast<double>(service.gpus));
      out.gauge("llmd:pool_entitlement", "Replicas that a service's weight makes.", of,
                static_cast<double>(service.entitlement));
      of.emplace_back("reason", "LowPriority");
      out.counter("llmd:pool_evictions_total", "Replicas that gave way to a higher priority.", of,
                  static_cast<double>(service.evictions));
    }
  }
}

}  // namespace nacelle::control
