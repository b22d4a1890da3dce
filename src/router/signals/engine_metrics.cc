#include "router/signals/engine_metrics.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "telemetry/prometheus_text.h"

namespace nacelle::router {
namespace {

using Sample = telemetry::PrometheusSample;

void read_count(const Sample& sample, std::string_view label, std::uint32_t& out) {
  const auto text = sample.label(label);
  if (!text) return;
  std::uint32_t value = 0;
  const auto [at, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error == std::errc() && at == text->data() + text->size()) out = value;
}

bool matches(const Sample& sample, const MetricSpec& spec) {
  if (spec.name.empty() || sample.name != spec.name) return false;
  return std::all_of(spec.labels.begin(), spec.labels.end(), [&](const auto& wanted) {
    const auto value = sample.label(wanted.first);
    return value && *value == wanted.second;
  });
}

void count_of(double value, std::uint32_t& out) {
  if (value <= UINT32_MAX) out = static_cast<std::uint32_t>(value);
}

std::vector<std::string> names_of(std::string_view list) {
  constexpr std::size_t kMaxNames = 1000;
  std::vector<std::string> out;
  while (!list.empty() && out.size() < kMaxNames) {
    const std::size_t comma = std::min(list.find(','), list.size());
    std::string_view name = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    while (!name.empty() && name.front() == ' ') name.remove_prefix(1);
    while (!name.empty() && name.back() == ' ') name.remove_suffix(1);
    if (!name.empty()) out.emplace_back(name);
  }
  return out;
}

LoraState lora_of(const Sample& sample) {
  LoraState out;
  if (const auto list = sample.label("running_lora_adapters")) out.active = names_of(*list);
  if (const auto list = sample.label("waiting_lora_adapters")) out.waiting = names_of(*list);
  read_count(sample, "max_lora", out.max_active);
  return out;
}

int read_gauges(const Sample& sample, const EngineSpec& engine, EndpointMetrics& metrics) {
  const bool plausible = std::isfinite(sample.value) && sample.value >= 0;
  int found = 0;
  if (plausible && matches(sample, engine.waiting)) {
    metrics.waiting_requests = sample.value;
    ++found;
  }
  if (plausible && matches(sample, engine.running)) {
    metrics.running_requests = sample.value;
    ++found;
  }
  if (plausible && sample.value <= 1 && matches(sample, engine.kv_usage)) {
    metrics.kv_usage = sample.value;
    ++found;
  }
  if (plausible && matches(sample, engine.decode_rate)) metrics.decode_rate = sample.value;
  if (plausible && matches(sample, engine.block_size)) {
    count_of(sample.value, metrics.block_size_tokens);
    ++found;
  }
  if (plausible && matches(sample, engine.num_blocks)) {
    count_of(sample.value, metrics.num_blocks);
    ++found;
  }
  if (matches(sample, engine.cache_info)) {
    read_count(sample, engine.block_size_label, metrics.block_size_tokens);
    read_count(sample, engine.num_blocks_label, metrics.num_blocks);
    ++found;
  }
  return found;
}

}  // namespace

int extract_engine_metrics(std::string_view prometheus_text, const EngineSpec& engine,
                           EngineReading& reading) {
  telemetry::PrometheusTextReader reader(prometheus_text);
  Sample sample;
  std::optional<LoraState> lora;
  double lora_time = -1;
  Attributes custom;
  int found = 0;
  while (reader.next(sample)) {
    found += read_gauges(sample, engine, reading.metrics);
    if (matches(sample, engine.lora) && sample.value >= lora_time) {
      lora = lora_of(sample);
      lora_time = sample.value;
      ++found;
    }
    for (const CustomMetric& metric : engine.custom) {
      if (!std::isfinite(sample.value) || !matches(sample, metric.metric)) continue;
      const auto same = std::find_if(custom.begin(), custom.end(), [&](const auto& attribute) {
        return attribute.first == metric.attribute;
      });
      if (same != custom.end()) {
        same->second = sample.value;
      } else {
        custom.emplace_back(metric.attribute, sample.value);
      }
      ++found;
    }
  }
  if (lora) reading.lora = std::make_shared<const LoraState>(std::move(*lora));
  if (!custom.empty()) reading.attributes = std::make_shared<const Attributes>(std::move(custom));
  return found;
}

int extract_engine_metrics(std::string_view prometheus_text, EndpointMetrics& metrics) {
  EngineReading reading;
  reading.metrics = metrics;
  const int found = extract_engine_metrics(prometheus_text, builtin_engines().front(), reading);
  metrics = reading.metrics;
  return found;
}

}  // namespace nacelle::router
