// health.h: grpc.health.v1, which orchestrators and proxies probe.
//
// Check answers what `lookup` says, List what `list` says; Watch is UNIMPLEMENTED, as in the
// Endpoint Pickers this one stands in for.
//
// Home:    the functions are called on the loops of the server that serves the calls.
// Errors:  Check of a service that `lookup` does not know is NOT_FOUND.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/grpc/server.h"

namespace nacelle::net::grpc {

enum class Health : int { kUnknown = 0, kServing = 1, kNotServing = 2, kServiceUnknown = 3 };

struct HealthService {
  // "" is the server as a whole.
  std::function<std::optional<Health>(std::string_view service)> lookup;
  std::function<std::vector<std::pair<std::string, Health>>()> list;
};

void add_health(Server& server, HealthService service);

}  // namespace nacelle::net::grpc
