// listen_names.h: by which names clients reach a server, from the address that it was told to
// listen at.
//
// Home:    one thread, at start.
// Errors:  none: what cannot be found out is left out.
#pragma once

#include <string>
#include <vector>

namespace nacelle::kube::server {

// "", "0.0.0.0", "::": all addresses of this machine.
[[nodiscard]] bool is_any_address(const std::string& host);

// What a certificate must name for clients that come that way: the host itself, or this machine's
// name and the addresses of its interfaces.
[[nodiscard]] std::vector<std::string> names_of_listener(const std::string& host);

}  // namespace nacelle::kube::server
