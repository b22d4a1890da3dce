#include "router/admitter/latency_slo/latency_slo.h"

namespace nacelle::router {

std::shared_ptr<Plugin> LatencySloAdmitter::make(Fields& fields, BuildContext& context) {
  return std::make_shared<LatencySloAdmitter>(context.producer<PredictedLatency>(
      fields, "latencyPredictionInfoProducerName", kPredictedLatencyProducer));
}

Status LatencySloAdmitter::admit(const PickContext& context, const Candidates& pool) const {
  constexpr double kIdleKvUsage = 0.02;
  const RoutingRequest& request = context.request;
  if (request.priority >= 0 || (request.slo_ttft_ms <= 0 && request.slo_tpot_ms <= 0)) return {};
  bool any_prediction = false;
  for (const std::uint32_t position : pool) {
    const auto headroom = predictions_.headroom(context, position);
    any_prediction |= headroom.has_value();
    const bool idle = context.input.load_requests[position] == 0 ||
                      (context.fresh(position) && context.pool.kv_usage[position] < kIdleKvUsage);
    if (idle || (headroom && headroom->ok())) return {};
  }
  if (!any_prediction) return {};
  return resource_exhausted("no endpoint is predicted to meet the latency objectives");
}

}  // namespace nacelle::router
