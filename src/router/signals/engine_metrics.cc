#include "router/signals/engine_metrics.h"

#include <charconv>
#include <cmath>

#include "telemetry/prometheus_text.h"

namespace nacelle::router {
namespace {

void read_count(const telemetry::PrometheusSample& sample, std::string_view label,
                std::uint32_t& out) {
  const auto text = sample.label(label);
  if (!text) return;
  std::uint32_t value = 0;
  const auto [at, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error == std::errc() && at == text->data() + text->size()) out = value;
}

}  // namespace

int extract_engine_metrics(std::string_view prometheus_text, EndpointMetrics& metrics) {
  telemetry::PrometheusTextReader reader(prometheus_text);
  telemetry::PrometheusSample sample;
  int found = 0;
  while (reader.next(sample)) {
    if (!sample.name.starts_with("vllm:")) continue;
    const bool plausible = std::isfinite(sample.value) && sample.value >= 0;
    if (sample.name == "vllm:num_requests_waiting" && plausible) {
      metrics.waiting_requests = sample.value;
      ++found;
    } else if (sample.name == "vllm:num_requests_running" && plausible) {
      metrics.running_requests = sample.value;
      ++found;
    } else if (sample.name == "vllm:kv_cache_usage_perc" && plausible && sample.value <= 1) {
      metrics.kv_usage = sample.value;
      ++found;
    } else if (sample.name == "vllm:cache_config_info") {
      read_count(sample, "block_size", metrics.block_size_tokens);
      read_count(sample, "num_gpu_blocks", metrics.num_blocks);
      ++found;
    }
  }
  return found;
}

}  // namespace nacelle::router
