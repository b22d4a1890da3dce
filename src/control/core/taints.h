// taints.h: what a node keeps away, and what a pod puts up with.
//
// Home:    pure.
// Source:  kubernetes-api.md sections 19 and 21; k8s.io/api/core/v1 Taint and Toleration.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kube/object.h"

namespace nacelle::control {

inline constexpr std::string_view kNotReadyTaint = "node.kubernetes.io/not-ready";
inline constexpr std::string_view kUnreachableTaint = "node.kubernetes.io/unreachable";
inline constexpr std::string_view kUnschedulableTaint = "node.kubernetes.io/unschedulable";
inline constexpr std::string_view kMemoryPressureTaint = "node.kubernetes.io/memory-pressure";
inline constexpr std::string_view kDiskPressureTaint = "node.kubernetes.io/disk-pressure";

inline constexpr std::string_view kNoSchedule = "NoSchedule";
inline constexpr std::string_view kPreferNoSchedule = "PreferNoSchedule";
inline constexpr std::string_view kNoExecute = "NoExecute";

struct Taint {
  std::string key, value, effect;
  friend auto operator<=>(const Taint&, const Taint&) = default;
};

struct Toleration {
  std::string key;      // "" with `exists`: every key
  bool exists = false;  // operator Exists: any value
  std::string value;
  std::string effect;  // "": every effect
  std::optional<std::int64_t> seconds;

  [[nodiscard]] bool matches(const Taint& taint) const {
    if (!effect.empty() && effect != taint.effect) return false;
    if (key.empty()) return exists;
    return key == taint.key && (exists || value == taint.value);
  }
};

[[nodiscard]] std::vector<Taint> taints_of(const kube::Json& node);
[[nodiscard]] std::vector<Toleration> tolerations_of(const kube::Json& pod);

[[nodiscard]] bool tolerates(const std::vector<Toleration>& tolerations, const Taint& taint);

}  // namespace nacelle::control
