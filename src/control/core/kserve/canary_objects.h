// canary_objects.h: the objects of a canary, made from those that the service wants for itself.
//
//   <n>-kserve -> <n>-kserve-canary             pods of another component: neither the service's
//   <n>-kserve-prefill -> ...-canary-prefill    pool, nor its Service, nor its Deployment take them
//   <n>-kserve-workload-svc -> <n>-kserve-canary-svc
//   <n>-inference-pool -> <n>-canary-inference-pool
//   the Endpoint Picker, where pools have one, and its Service
//
// A revision is the pod templates of a service's Deployments, by their digest. The Deployments of
// the service, and all of the canary, say in an annotation which one they have.
//
// Home:    pure.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "control/core/kserve/objects.h"

namespace nacelle::control::kserve {

// On Deployments, and as a label on pods of a canary: 16 hex digits.
inline constexpr std::string_view kRevisionAnnotation = "nacelle.dev/revision";
// The names that the revision serves its model and adapters by.
inline constexpr std::string_view kRevisionModelsAnnotation = "nacelle.dev/revision-models";

struct Revision {
  std::string digest;
  std::string models;  // sorted, joined by commas

  friend bool operator==(const Revision&, const Revision&) = default;
};

// One of the service's Deployments of pods that answer: there is one, or with prefill two.
[[nodiscard]] bool is_stable(const Owner& owner, const Json& object);
[[nodiscard]] std::string canary_deployment_name(const Owner& owner, bool prefill);
[[nodiscard]] std::string canary_pool_name(const std::string& service);

// `wanted` are all objects of the service.
[[nodiscard]] Revision revision_of(const Owner& owner, const std::vector<Json>& wanted);
void set_revision(Json& deployment, const Revision& revision);

// `replicas` says how many pods the canary of a wanted Deployment has.
[[nodiscard]] std::vector<Json> canary_objects(
    const Owner& owner, const std::vector<Json>& wanted, const Revision& revision,
    const std::function<std::int64_t(const Json& deployment)>& replicas);

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
