// canary_objects.h: the objects of a canary, made from those that the service wants for itself.
//
//   <n>-kserve -> <n>-kserve-canary             pods of another component: neither the service's
//   <n>-kserve-prefill -> ...-canary-prefill    pool, nor its Service, nor its workload take them
//   <n>-kserve-mn -> <n>-kserve-mn-canary       the same on several nodes
//   <n>-kserve-workload-svc -> <n>-kserve-canary-svc
//   <n>-inference-pool -> <n>-canary-inference-pool
//   the Endpoint Picker, where pools have one, and its Service
//
// A workload is a Deployment, or of a service on several nodes a LeaderWorkerSet. A revision is the
// pod templates of a service's workloads, by their digest. The workloads of the service, and all of
// the canary, say in an annotation which one they have.
//
// Home:    pure.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "control/core/kserve/objects.h"

namespace nacelle::control::kserve {

// On workloads, and as a label on pods of a canary: 16 hex digits.
inline constexpr std::string_view kRevisionAnnotation = "nacelle.dev/revision";
// The names that the revision serves its model and adapters by.
inline constexpr std::string_view kRevisionModelsAnnotation = "nacelle.dev/revision-models";

struct Revision {
  std::string digest;
  std::string models;  // sorted, joined by commas

  friend bool operator==(const Revision&, const Revision&) = default;
};

[[nodiscard]] bool is_workload(std::string_view kind);
// What the pods of a workload are made from, as it stands in its spec under
// workload_template_key().
[[nodiscard]] const Json& workload_template(const Json& workload);
[[nodiscard]] const char* workload_template_key(std::string_view kind);

// One of the service's workloads of pods that answer: there is one, or with prefill two.
[[nodiscard]] bool is_stable(const Owner& owner, const Json& object);
[[nodiscard]] std::string canary_workload_name(const Owner& owner, bool prefill);
[[nodiscard]] std::string canary_pool_name(const std::string& service);

// `wanted` are all objects of the service.
[[nodiscard]] Revision revision_of(const Owner& owner, const std::vector<Json>& wanted);
void set_revision(Json& workload, const Revision& revision);

// `replicas` says how many replicas the canary of a wanted workload has.
[[nodiscard]] std::vector<Json> canary_objects(
    const Owner& owner, const std::vector<Json>& wanted, const Revision& revision,
    const std::function<std::int64_t(const Json& workload)>& replicas);

// Whether `child` has the name of an object of a canary.
[[nodiscard]] bool is_of_canary(const Owner& owner, const Json& child);
// Whether "Deployment chat-kserve-canary: exceeded quota" is about one.
[[nodiscard]] bool is_refusal_of_canary(const Owner& owner, std::string_view refusal);

// Of what goes to the service's own backends, `percent` goes to the canary's.
void split_route(const Owner& owner, std::int64_t percent, Json& route);
[[nodiscard]] bool sends_to_canary(const Owner& owner, const Json& route);

// The pool of the service, by labels that its user chose, would take the canary's pods, too.
[[nodiscard]] bool pool_takes_canary(const Owner& owner, const std::vector<Json>& wanted);

}  // namespace nacelle::control::kserve
