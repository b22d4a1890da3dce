// load_report.h: the engine's load in a header of the answer, for routers that ask for it.
//
// Home:    pure.
// Source:  engine.md section 4 (`endpoint-load-metrics-format: TEXT|JSON`).
#pragma once

#include <string>
#include <string_view>

#include "engine/stats.h"

namespace nacelle::serve {

// The value of `endpoint-load-metrics`; "" for a format that is not known.
[[nodiscard]] std::string load_report(std::string_view format, const engine::Stats& stats);

}  // namespace nacelle::serve
