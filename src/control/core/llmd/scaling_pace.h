// scaling_pace.h: how soon a service goes down, as its annotations say.
//
//   nacelle.dev/scale-to-zero-after: 30m   silence before the last replica goes; 10m without it
//   nacelle.dev/scale-down-period: 5s      from one replica less to the next; 60s without it
//
// Home:    pure.
// Source:  scaling-and-benchmarks.md section 8, rules 15 and 17: the defaults.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "control/core/field_problem.h"

namespace nacelle::control::llmd {

struct ScalingPace {
  std::int64_t zero_after_seconds = 600;  // or the stabilisation window, where that is longer
  std::int64_t down_period_seconds = 60;
};

// Of `service`, with what is wrong about it; what is wrong leaves the default.
[[nodiscard]] ScalingPace parse_pace(const kube::Json& service, Review& review);

// "90s", "10m", "1h30m"; nothing for anything else.
[[nodiscard]] std::optional<std::int64_t> whole_seconds(std::string_view text);

}  // namespace nacelle::control::llmd
