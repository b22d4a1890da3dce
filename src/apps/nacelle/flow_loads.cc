#include "apps/nacelle/flow_loads.h"

namespace nacelle::apps {

void append_flow_loads(const router::Router& router, std::vector<router::flow::EndpointLoad>& out) {
  const router::PoolSnapshotPtr pool = router.pool();
  for (const router::EndpointSnapshot& endpoint : pool->endpoints) {
    if (!endpoint.serving) continue;
    const router::InFlightLoad own = router.load_of(endpoint.id);
    const std::string* role = endpoint.label(router::kRoleLabel);
    out.push_back(
        {.role = router::flow::role_from_label(role == nullptr ? std::string_view() : *role),
         .metrics_known = endpoint.metrics.known,
         .metrics_updated = endpoint.metrics.updated,
         .waiting_requests = endpoint.metrics.waiting_requests,
         .kv_usage = endpoint.metrics.kv_usage,
         .in_flight_requests = own.requests,
         .in_flight_tokens = own.tokens});
  }
}

}  // namespace nacelle::apps
