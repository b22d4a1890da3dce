// GET /metrics: Prometheus text. The engine's values are those of its last step; nothing waits for
// it.
#include "serve/endpoints/endpoints.h"

namespace nacelle::serve {

async::Task<void> get_metrics(ServerState& state, Call& call) {
  return call.reply(200, std::string(telemetry::Metrics::kTextContentType),
                    state.metrics.serialize());
}

}  // namespace nacelle::serve
