// tls.h: TLS contexts of listeners and upstreams, from what the configuration says.
//
// Home:    any thread.
// Errors:  as net/tls: which certificate is wrong and why; never key material.
#pragma once

#include <memory>

#include "base/result.h"
#include "gateway/config/model.h"
#include "net/http/client.h"
#include "net/http/server.h"

namespace nacelle::gateway {

// One context for all listeners of a port: the client's SNI chooses the certificate.
[[nodiscard]] Result<std::shared_ptr<const net::TlsServerContext>> make_server_tls(
    const PortConfig& port);
[[nodiscard]] Result<std::shared_ptr<const net::TlsClientContext>> make_client_tls(
    const UpstreamTls& upstream);

}  // namespace nacelle::gateway
