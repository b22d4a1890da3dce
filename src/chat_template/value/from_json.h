// from_json.h: the variables of a rendering, from JSON to template values.
#pragma once

#include <nlohmann/json.hpp>

#include "base/result.h"
#include "chat_template/value/objects.h"

namespace nacelle::chat_template {

// A copy. out_of_range when nested deeper than kMaxValueDepth or too large; text that is not UTF-8
// is invalid_argument.
Result<Value> from_json(Runtime& runtime, const nlohmann::ordered_json& json, int depth = 0);

}  // namespace nacelle::chat_template
