// policy.h: ready-made scheduling profiles by name.
//
//   prefix-aware   serving-filter; prefix-cache 3, token-load 2, queue 1, kv-cache-utilization 1;
//   max score least-loaded   serving-filter; active-request 1; max score round-robin
//   serving-filter; each endpoint in turn random         serving-filter; any endpoint
#pragma once

#include <string_view>

#include "base/result.h"
#include "router/plugin.h"

namespace nacelle::router {

inline constexpr std::string_view kPolicyNames = "prefix-aware, least-loaded, round-robin, random";

// invalid_argument for an unknown name, with the names there are.
[[nodiscard]] Result<Profile> make_policy(std::string_view name);

}  // namespace nacelle::router
