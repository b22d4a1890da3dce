// render.h: the templates of a merged spec.
//
// Home:    pure.
// Errors:  invalid_argument naming the field and the action.
// Source:  kserve.md section A6, template engine.
#pragma once

#include "base/status.h"
#include "control/core/kserve/global_config.h"

namespace nacelle::control::kserve {

// Renders every text of `spec` but the model, whose values are only ever values. Items of command
// and args that a template turns into nothing go.
[[nodiscard]] Status render_spec(Json& spec, const Json& service, const GlobalConfig& global);

// vLLM's --kv-transfer-config for kvCacheOffloading; "" when there is none.
[[nodiscard]] std::string kv_transfer_config(const Json& workload);

}  // namespace nacelle::control::kserve
