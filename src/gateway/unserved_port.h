// unserved_port.h: a port of the configuration in force that is not served, and why.
//
// Home:    a value.
#pragma once

#include <string>
#include <string_view>

namespace nacelle::gateway {

// Reasons of the condition Programmed.
inline constexpr std::string_view kPortUnavailable = "PortUnavailable";  // it cannot be bound now
inline constexpr std::string_view kPortInvalid = "Invalid";              // TLS cannot be set up

struct UnservedPort {
  std::string address;  // "127.0.0.1:8080"
  std::string reason, why;
  friend bool operator==(const UnservedPort&, const UnservedPort&) = default;
};

}  // namespace nacelle::gateway
