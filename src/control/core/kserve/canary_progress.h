// canary_progress.h: where a canary is, as annotations of its workload say, and what it has
// answered since.
//
// Home:    pure; values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "control/core/kserve/canary_settings.h"
#include "control/core/kserve/decide.h"

namespace nacelle::control::kserve {

inline constexpr std::string_view kCanaryStep = "nacelle.dev/canary-step";    // 0, 1, ...
inline constexpr std::string_view kCanaryBegan = "nacelle.dev/canary-began";  // RFC 3339, "" before
// When it was asked for what the step wants, RFC 3339.
inline constexpr std::string_view kCanaryAsked = "nacelle.dev/canary-asked";
inline constexpr std::string_view kCanaryCounted =
    "nacelle.dev/canary-counted";  // "requests/errors"

struct CanaryProgress {
  std::size_t step = 0;               // of settings.steps
  std::optional<std::int64_t> began;  // of the step; nothing: it is not ready for it yet
  std::optional<std::int64_t> asked;
  PoolTraffic counted;  // of its pool, when the step began
};

[[nodiscard]] CanaryProgress progress_of(const Json& workload);
void write_progress(const CanaryProgress& progress, Json& workload);

// What its pool has counted now.
[[nodiscard]] PoolTraffic canary_traffic(const Owner& owner, const Observed& observed);
// Why the step is over before its time: "7 of 50 requests failed, ..."; "" when it is not.
[[nodiscard]] std::string too_many_errors(const CanaryProgress& progress, const PoolTraffic& now,
                                          const CanarySettings& settings);

}  // namespace nacelle::control::kserve
