// conversion.h: LLMInferenceService and its config between v1alpha1 and v1alpha2, without a
// webhook.
//
// Going up keeps what only v1alpha1 has in annotations, going down restores it: an object that
// comes back is as it was. What only v1alpha2 has is lost on the way down, as in KServe.
//
// Home:    pure.
// Errors:  invalid_argument for versions and kinds that are not ours.
// Source:  kserve.md section A4.
#pragma once

#include <string_view>

#include "base/result.h"
#include "control/core/kserve/names.h"

namespace nacelle::control::kserve {

// `api_version` is kVersion or kOldVersion.
[[nodiscard]] Result<Json> convert(Json object, std::string_view api_version);

}  // namespace nacelle::control::kserve
