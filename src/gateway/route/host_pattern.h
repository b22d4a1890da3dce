// host_pattern.h: hostnames of listeners and routes: exact, "*.suffix", or any.
//
//   intersect("*.example.com", "www.example.com")  ->  "www.example.com"
//   host_of("WWW.Example.com:8443")                ->  "www.example.com"
//
// `*` stands for one or more labels. "" and "*" match every host.
//
// Home:    pure functions; any thread.
// Source:  gateway.md section 1.3.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace nacelle::gateway {

// `host` is lower case and has no port.
[[nodiscard]] bool host_matches(std::string_view pattern, std::string_view host);

// The hosts that both patterns match, as a pattern; nullopt when there is none.
[[nodiscard]] std::optional<std::string> intersect_hosts(std::string_view a, std::string_view b);

// Lower case, without port, brackets of an IPv6 literal and the root's dot.
[[nodiscard]] std::string host_of(std::string_view authority);

enum class Wildcard { kAllowed, kRefused };
// invalid_argument for a name that is no lower-case DNS name.
[[nodiscard]] Status check_hostname(std::string_view name, Wildcard wildcard);

}  // namespace nacelle::gateway
