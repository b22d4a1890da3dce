// defaults.h: what a Kubernetes API server fills in for built-in kinds.
//
// Home:    pure.
// Source:  kubernetes-api.md section 19.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "kube/schema/kind.h"

namespace nacelle::kube::schema {

// What a default may need beyond the object.
struct DefaultsContext {
  bool creating = false;
  std::string uid;                             // of the object
  std::function<std::string()> cluster_ip;     // a free address for a Service
  std::function<std::string()> storage_class;  // the default one; "" is none
};

// `object` is of the stored version. Idempotent: a second call changes nothing.
void apply_defaults(Json& object, const Kind& kind, const DefaultsContext& context);

// Pieces.
void default_pod_spec(Json& spec);
void default_pod(Json& pod, bool creating);

}  // namespace nacelle::kube::schema
