// token_exchange.h: asks an identity provider for a token: the one request that the AI gateway
// makes for itself.
//
// Home:    the loop; the request outlives the task.
// Errors:  invalid_argument for a URL that is none; unavailable for anything but a 200.
// Bounds:  10 s, and 64 KiB of answer.
#pragma once

#include <string>

#include "async/loop.h"
#include "async/task.h"
#include "base/result.h"
#include "gateway/ai/auth/gcp_token.h"

namespace nacelle::gateway::ai {

[[nodiscard]] async::Task<Result<std::string>> exchange_token(async::Loop* loop,
                                                              const TokenRequest* request);

}  // namespace nacelle::gateway::ai
