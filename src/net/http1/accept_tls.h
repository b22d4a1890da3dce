// accept_tls.h: the server's side of a TLS handshake, bounded in time and number.
//
// Bounds:  HttpServerConfig::tls_handshake_timeout each, max_tls_handshakes at once over all loops
//          (beyond it a connection is closed).
// Home:    the connection's loop.
#pragma once

#include "async/task.h"
#include "net/address.h"
#include "net/http1/server_context.h"
#include "net/stream.h"

namespace nacelle::net::http1 {

// True when `stream` speaks TLS now. Failures are counted and logged at debug: anyone on the
// internet can cause them. The context and the stream outlive the task.
[[nodiscard]] async::Task<bool> accept_tls(Stream& stream, ServerContext& context,
                                           TcpEndpoint peer);

}  // namespace nacelle::net::http1
