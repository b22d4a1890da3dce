// lease.h: the Lease that candidates of an election write.
//
// Home:    pure.
// Source:  coordination.k8s.io/v1; kubernetes-api.md section 20.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "kube/object.h"
#include "kube/resource.h"

namespace nacelle::kube {

inline const Resource kLeases{"coordination.k8s.io", "v1", "leases"};

struct Lease {
  std::string holder;  // "": released
  std::chrono::seconds duration{0};
  std::string acquire_time, renew_time;  // MicroTime, for people: nobody computes with them
  std::int64_t transitions = 0;
  std::string version;  // resourceVersion; "" for a lease to create
  Json object;          // as it was read: what others wrote into it stays
};

[[nodiscard]] Lease parse_lease(const Json& object);
// The object to write: `lease.object` with the lease's fields.
[[nodiscard]] Json lease_object(const Lease& lease, const std::string& name_space,
                                const std::string& name);

}  // namespace nacelle::kube
