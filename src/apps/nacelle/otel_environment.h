// otel_environment.h: the standard OTEL_* settings for traces, where the file gives none.
//
// Home:    pure; the environment is passed in.
// Source:  OpenTelemetry's environment variable specification; gateway.md section 14.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "tracing/config.h"

namespace nacelle::apps {

using Environment = std::function<std::optional<std::string>(const char* name)>;
// Of this process. Empty values count as unset.
[[nodiscard]] Environment process_environment();

// invalid_argument names the variable.
Status apply_otel_environment(const Environment& environment, tracing::TracingConfig& tracing);

}  // namespace nacelle::apps
