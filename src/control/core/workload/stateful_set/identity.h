// identity.h: what makes a pod of a StatefulSet that pod: its name, labels, host name and claims.
//
// Home:    pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kube/object.h"

namespace nacelle::control::workload {

// The ordinal in "<set>-<ordinal>"; nothing when the name is another one.
[[nodiscard]] std::optional<std::int64_t> ordinal_of(const kube::Json& set, const kube::Json& pod);
[[nodiscard]] std::string stateful_pod_name(const kube::Json& set, std::int64_t ordinal);

// `pattern` is spec.template of the revision.
[[nodiscard]] kube::Json new_stateful_pod(const kube::Json& set, std::int64_t ordinal,
                                          const kube::Json& pattern, const std::string& revision);

// The claims of one ordinal, in the order of spec.volumeClaimTemplates.
[[nodiscard]] std::vector<kube::Json> wanted_claims(const kube::Json& set, std::int64_t ordinal);

// The owners that persistentVolumeClaimRetentionPolicy gives a claim: the set, so that it goes with
// it; the pod, when that is to be removed by a scale-down; or nobody. Owners of others stay.
// `pod` is null when the pod is not there.
[[nodiscard]] kube::Json claim_owners(const kube::Json& set, const kube::Json& claim,
                                      const kube::Json* pod, bool condemned);

}  // namespace nacelle::control::workload
