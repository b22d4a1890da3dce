// GET /health, GET and POST /ping: is the engine alive. Reads one flag, waits for nothing.
#include "serve/endpoints/endpoints.h"

namespace nacelle::serve {

async::Task<void> get_health(ServerState& state, Call& call) {
  const int status = state.parts.engine.healthy() ? 200 : 503;
  return call.reply(status, "", "");
}

}  // namespace nacelle::serve
