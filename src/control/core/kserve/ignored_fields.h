// ignored_fields.h: what of a service or config is kept and changes nothing: a warning each.
//
// Some fields are for what this installation does not run: an Endpoint Picker in pods, an engine
// that is not ours.
//
// Home:    pure.
// Source:  kserve.md section A22 row 12: never drop silently.
#pragma once

#include "control/core/field_problem.h"
#include "control/core/kserve/spec.h"

namespace nacelle::control::kserve {

struct Installation {
  bool picker_in_gateway = false;  // Endpoint Pickers have no pods
  bool own_engine = false;         // engine images mean this program
};

// `object` is a service or a config, `spec` is its own.
void warn_of_ignored(const Json& object, const Spec& spec, const Installation& here,
                     Review& review);
// What only a multi-node workload uses; of a service, since a config may be laid below one.
void warn_without_worker(const Spec& spec, Review& review);

}  // namespace nacelle::control::kserve
