#include "router/filter/utilization/utilization.h"

#include <algorithm>

#include "router/producer/inflight_load/inflight_load.h"

namespace nacelle::router {

std::shared_ptr<Plugin> UtilizationFilter::make(Fields& fields, BuildContext& context) {
  std::vector<Condition> conditions;
  bool fallback = false;
  fields.each("conditions", [&](Fields& item) {
    Condition condition;
    if (!item.has("metric")) item.problem("metric", "is missing");
    if (!item.has("maxValue")) item.problem("maxValue", "is missing");
    item.choice("metric", condition.gauge,
                {{"active-requests", Gauge::kActiveRequests},
                 {"running-requests", Gauge::kRunningRequests},
                 {"waiting-queue", Gauge::kWaitingQueue},
                 {"kv-cache-utilization", Gauge::kKvCacheUtilization}});
    item.number("maxValue", condition.max);
    conditions.push_back(condition);
  });
  fields.boolean("fallbackOnEmpty", fallback);
  (void)context.producer<InflightLoad>(fields, "inFlightLoadProducerName", kInflightLoadProducer);
  return std::make_shared<UtilizationFilter>(std::move(conditions), fallback);
}

double UtilizationFilter::read(const PickContext& context, Gauge gauge, std::uint32_t position) {
  switch (gauge) {
    case Gauge::kActiveRequests:
      return static_cast<double>(context.input.load_requests[position]);
    case Gauge::kRunningRequests:
      return context.running(position);
    case Gauge::kWaitingQueue:
      return context.waiting(position);
    case Gauge::kKvCacheUtilization:
      return context.fresh(position) ? context.pool.kv_usage[position] : 0;  // unknown passes
  }
  return 0;
}

void UtilizationFilter::filter(const PickContext& context, Candidates& candidates) const {
  const auto keep = [&](std::uint32_t position) {
    return std::all_of(conditions_.begin(), conditions_.end(), [&](const Condition& condition) {
      return read(context, condition.gauge, position) <= condition.max;
    });
  };
  if (fallback_on_empty_) {
    candidates.keep_if_any(keep);
  } else {
    candidates.keep_if(keep);
  }
}

}  // namespace nacelle::router
