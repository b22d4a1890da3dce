// connect.h: a TCP connection to the first of some addresses that answers, within a deadline.
//
// Home:    the calling coroutine's loop.
// Errors:  unavailable (none could be reached), deadline_exceeded.
#pragma once

#include <vector>

#include "async/loop.h"
#include "async/task.h"
#include "base/result.h"
#include "net/address.h"
#include "net/stream.h"

namespace nacelle::net::http2 {

[[nodiscard]] async::Task<Result<Socket>> connect_any(async::Loop& loop, HostPort name,
                                                      std::vector<TcpEndpoint> endpoints,
                                                      TimePoint deadline);

}  // namespace nacelle::net::http2
