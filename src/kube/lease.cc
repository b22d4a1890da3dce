#include "kube/lease.h"

#include <algorithm>

namespace nacelle::kube {

Lease parse_lease(const Json& object) {
  Lease out;
  out.holder = text_at(object, {"spec", "holderIdentity"});
  // What is absent or absurd counts as over at once, or as a day.
  const std::int64_t seconds = number_at(object, {"spec", "leaseDurationSeconds"}).value_or(0);
  out.duration = std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, 86'400));
  out.acquire_time = text_at(object, {"spec", "acquireTime"});
  out.renew_time = text_at(object, {"spec", "renewTime"});
  out.transitions = number_at(object, {"spec", "leaseTransitions"}).value_or(0);
  out.version = version_of(object);
  out.object = object;
  return out;
}

Json lease_object(const Lease& lease, const std::string& name_space, const std::string& name) {
  Json out = lease.object.is_object() ? lease.object : Json::object();
  out["apiVersion"] = kLeases.api_version();
  out["kind"] = "Lease";
  Json& metadata = out["metadata"];
  if (!metadata.is_object()) metadata = Json::object();
  metadata["name"] = name;
  metadata["namespace"] = name_space;
  Json& spec = out["spec"];
  if (!spec.is_object()) spec = Json::object();
  spec["holderIdentity"] = lease.holder;
  spec["leaseDurationSeconds"] = lease.duration.count();
  spec["acquireTime"] = lease.acquire_time;
  spec["renewTime"] = lease.renew_time;
  spec["leaseTransitions"] = lease.transitions;
  return out;
}

}  // namespace nacelle::kube
