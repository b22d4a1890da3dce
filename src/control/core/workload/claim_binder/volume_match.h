// volume_match.h: whether a volume satisfies a claim.
//
// Home:    pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "kube/object.h"

namespace nacelle::control::workload {

// spec.storageClassName, or the annotation it was before; "" is none.
[[nodiscard]] std::string class_of(const kube::Json& object);

// What is wrong: "requested PV is too small"; "" when it fits. Without regard to the selector.
[[nodiscard]] std::string misfit(const kube::Json& claim, const kube::Json& volume);

// Whether the node affinity of the volume allows the node; null is any node.
[[nodiscard]] bool is_reachable(const kube::Json& volume, const kube::Json* node);

// In bytes; 0 when it says none.
[[nodiscard]] std::int64_t size_of_volume(const kube::Json& volume);

// Whether spec.claimRef of the volume means this claim. A volume may name a claim that is yet to
// come: then it has no uid.
enum class Refers { kNo, kByName, kYes };
[[nodiscard]] Refers refers_to(const kube::Json& volume, const kube::Json& claim);
[[nodiscard]] kube::Json reference_to(const kube::Json& claim);

}  // namespace nacelle::control::workload
