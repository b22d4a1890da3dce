#include "router/filter/utilization_detector/utilization_detector.h"

namespace nacelle::router {

std::shared_ptr<Plugin> UtilizationDetectorFilter::make(Fields& fields, BuildContext&) {
  flow::DetectorConfig settings;
  settings.kind = flow::DetectorKind::kUtilization;
  fields.number("queueDepthThreshold", settings.queue_depth_threshold, 1e-6, 1e9);
  fields.number("kvCacheUtilThreshold", settings.kv_cache_util_threshold, 1e-6, 1);
  fields.duration("metricsStalenessThreshold", settings.metrics_staleness_threshold);
  fields.number("headroom", settings.headroom, 0, 1000);
  fields.choice("stalenessPolicy", settings.staleness,
                {{"saturated", flow::StalenessPolicy::kSaturated},
                 {"ignore", flow::StalenessPolicy::kIgnore}});
  return std::make_shared<UtilizationDetectorFilter>(settings);
}

void UtilizationDetectorFilter::filter(const PickContext& context, Candidates& candidates) const {
  const double room = 1 + settings().headroom;
  const double queue = settings().queue_depth_threshold * room;
  const double kv = settings().kv_cache_util_threshold * room;
  candidates.keep_if_any([&](std::uint32_t position) {
    if (!context.fresh(position)) {
      return static_cast<double>(context.input.unseen_requests[position]) < queue;
    }
    return context.waiting(position) < queue && context.pool.kv_usage[position] < kv;
  });
}

}  // namespace nacelle::router
