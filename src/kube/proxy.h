// proxy.h: whether the environment wants requests to go through a proxy.
//
// We reach API servers directly. Where the usual variables name a proxy for the server, going
// past it could break a rule of the network, so that is an error which says how to allow it.
//
// Home:    pure.
// Errors:  unimplemented naming the proxy's variable and NO_PROXY.
// Source:  the conventions of curl and Go: HTTPS_PROXY, NO_PROXY, in lower case too.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "kube/client_config.h"

namespace nacelle::kube {

struct ProxyVariables {
  std::string https_proxy;  // HTTPS_PROXY, else https_proxy
  std::string http_proxy;   // likewise
  std::string no_proxy;     // "10.0.0.0/8,.svc,api.example.com:6443,*"
};

// True when `no_proxy` has an entry for the address. Loopback never goes through a proxy.
[[nodiscard]] bool goes_directly(const net::HostPort& address, std::string_view no_proxy);

[[nodiscard]] Status refuse_proxy(const ClientConfig& config, const ProxyVariables& variables);

}  // namespace nacelle::kube
