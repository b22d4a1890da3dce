// policy.h: ready-made configurations by name.
//
//   prefix-aware  load-cost 3, prefix-cache 2, queue 0.5, kv-cache-utilization 0.5; max score
//   least-loaded  active-request 1; max score
//   round-robin   each endpoint in turn
//   random        any endpoint
#pragma once

#include <string_view>

#include "base/result.h"
#include "router/schedule.h"

namespace nacelle::router {

inline constexpr std::string_view kPolicyNames = "prefix-aware, least-loaded, round-robin, random";

// The policy as an EndpointPickerConfig; invalid_argument for an unknown name, with the names there
// are.
[[nodiscard]] Result<std::string_view> policy_config(std::string_view name);

[[nodiscard]] Result<Schedule> make_policy(std::string_view name);

}  // namespace nacelle::router
