// computed.h: get and list of kinds that nobody stores (api_server.h, ObjectSource).
//
// Home:    the request's loop.
// Bounds:  those of the source: all objects come in one page, whatever limit is asked for.
#pragma once

#include "async/task.h"
#include "kube/server/answers.h"
#include "kube/server/state.h"

namespace nacelle::kube::server {

[[nodiscard]] async::Task<Try<Reply>> serve_computed(State& state, const Call& call);

}  // namespace nacelle::kube::server
