// pod_state.h: what controllers ask of a pod.
//
// Home:    pure.
#pragma once

#include <cstdint>
#include <optional>

#include "kube/object.h"

namespace nacelle::control::workload {

// Neither ended nor being ended.
[[nodiscard]] bool is_active(const kube::Json& pod);
// Its condition Ready is True, also while it is being ended (kube/pod.h: not then).
[[nodiscard]] bool is_serving(const kube::Json& pod);
// When it became ready; nothing when it is not.
[[nodiscard]] std::optional<std::int64_t> ready_since(const kube::Json& pod);
// Ready for `min_ready_seconds`. `wait` becomes the smallest time that is missing, when any is.
[[nodiscard]] bool is_available(const kube::Json& pod, std::int64_t min_ready_seconds,
                                std::int64_t now, std::optional<std::int64_t>& wait);

// Which of two pods a scale-down takes first; `on_node` of a pod is how many siblings share its
// node.
[[nodiscard]] bool goes_before(const kube::Json& a, std::int64_t a_on_node, const kube::Json& b,
                               std::int64_t b_on_node);

}  // namespace nacelle::control::workload
