#include "serve/http/load_report.h"

#include <fmt/format.h>

#include "net/http/headers.h"
#include "openai/json_writer.h"

namespace nacelle::serve {

std::string load_report(std::string_view format, const engine::Stats& stats) {
  const std::string usage = openai::python_float(stats.kv_cache_usage);
  const std::string waiting = openai::python_float(stats.num_waiting);
  if (net::http::equals_ignore_case(format, "TEXT")) {
    return fmt::format(
        "TEXT named_metrics.kv_cache_usage_perc={}, named_metrics.num_requests_waiting={}", usage,
        waiting);
  }
  if (net::http::equals_ignore_case(format, "JSON")) {
    return fmt::format(
        R"(JSON {{"named_metrics": {{"kv_cache_usage_perc": {}, "num_requests_waiting": {}}}}})",
        usage, waiting);
  }
  return {};
}

}  // namespace nacelle::serve
