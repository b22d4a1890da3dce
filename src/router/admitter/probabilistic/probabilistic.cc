#include "router/admitter/probabilistic/probabilistic.h"

#include <algorithm>
#include <cmath>

namespace nacelle::router {

std::shared_ptr<Plugin> ProbabilisticAdmitter::make(Fields& fields, BuildContext&) {
  Options options;
  fields.number("queueDepthThreshold", options.queue_depth_threshold, 1e-6, 1e9);
  fields.number("kvCacheUtilThreshold", options.kv_cache_util_threshold, 1e-6, 1);
  fields.number("power", options.power, 0, 1000);
  fields.number("k", options.k, 0, 1e12);
  return std::make_shared<ProbabilisticAdmitter>(options);
}

Status ProbabilisticAdmitter::admit(const PickContext& context, const Candidates& pool) const {
  if (context.request.priority >= 0) return {};
  double sum = 0;
  for (const std::uint32_t position : pool) {
    const double kv = context.fresh(position) ? context.pool.kv_usage[position] : 0;
    sum += std::max(context.waiting(position) / options_.queue_depth_threshold,
                    kv / options_.kv_cache_util_threshold);
  }
  const double saturation = sum / static_cast<double>(pool.size());
  const double probability = std::min(std::pow(saturation, options_.power) * options_.k, 1.0);
  if (probability <= 0 || context.random.unit() >= probability) return {};
  return resource_exhausted("the pool is {:.2f} saturated and the request's priority is {}",
                            saturation, context.request.priority);
}

}  // namespace nacelle::router
