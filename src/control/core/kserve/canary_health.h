// canary_health.h: what is seen of a service's workloads, those of its canary, and its route.
//
// Home:    pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "control/core/kserve/decide.h"

namespace nacelle::control::kserve {

// spec.replicas, 1 when it does not say.
[[nodiscard]] std::int64_t replicas_of(const Json& workload);
// Every replica has the newest template and is available, and there is no other.
[[nodiscard]] bool is_rolled_out(const Json& workload);
// Its status says which form of the spec it is about; that of a LeaderWorkerSet need not.
[[nodiscard]] bool tells_generation(const Json& workload);
// It answers, or its template was rolled out once.
[[nodiscard]] bool has_been_ready(const Json& workload);

// Of `wanted`, the objects of a canary: all are there, and their workloads have as many ready
// replicas as they are wanted to.
[[nodiscard]] bool is_ready(const Observed& observed, const std::vector<Json>& wanted);
// Each of their workloads has a replica that answers.
[[nodiscard]] bool any_available(const Observed& observed, const std::vector<Json>& wanted);

// Why the canary of a revision cannot be: a pod of it crashes again and again or has no image, or a
// Deployment made no progress in its time. "" when nothing is known against it.
[[nodiscard]] std::string failure(const Owner& owner, const Observed& observed,
                                  std::string_view revision);

// Of `wanted`, a LeaderWorkerSet that is not ready when its time is over: it knows of no deadline
// itself. "" when there is none.
inline constexpr std::int64_t kSetDeadlineSeconds = 600;
[[nodiscard]] std::string late_set(const Observed& observed, const std::vector<Json>& wanted,
                                   std::string_view revision);

// Every gateway that reports on the route has taken its newest form.
[[nodiscard]] bool is_taken(const Json& route);

}  // namespace nacelle::control::kserve
