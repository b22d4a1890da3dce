// endpoints.h: one function per route. Each answers its call exactly once.
//
// Home:    the connection's loop. Both arguments outlive the task.
// Source:  engine.md sections 3 to 11 and 21.
#pragma once

#include "async/task.h"
#include "serve/http/call.h"
#include "serve/server_state.h"

namespace nacelle::serve {

using Endpoint = async::Task<void> (*)(ServerState& state, Call& call);

async::Task<void> get_health(ServerState& state, Call& call);  // also GET and POST /ping
async::Task<void> get_version(ServerState& state, Call& call);
async::Task<void> get_load(ServerState& state, Call& call);
async::Task<void> get_metrics(ServerState& state, Call& call);
async::Task<void> get_models(ServerState& state, Call& call);
async::Task<void> post_tokenize(ServerState& state, Call& call);
async::Task<void> post_detokenize(ServerState& state, Call& call);
async::Task<void> post_completions(ServerState& state, Call& call);
async::Task<void> post_chat_completions(ServerState& state, Call& call);

}  // namespace nacelle::serve
