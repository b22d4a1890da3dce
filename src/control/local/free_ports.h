// free_ports.h: loopback ports that nobody listens on right now.
//
// All are held at once while they are chosen, so they differ. Another process may take one before
// our child does; the child then fails at once and its supervisor starts it again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/result.h"

namespace nacelle::control {

[[nodiscard]] Result<std::vector<std::uint16_t>> free_loopback_ports(std::size_t count);

}  // namespace nacelle::control
