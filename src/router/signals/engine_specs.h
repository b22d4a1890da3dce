// engine_specs.h: which metrics of which engine mean what.
//
// Home:    values; the built-in table is immutable.
// Source:  router.md section 14.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nacelle::router {

// `name` or `name{label=value,label2=value2}`.
struct MetricSpec {
  std::string name;  // "": the engine has no such metric
  std::vector<std::pair<std::string, std::string>> labels;
};

[[nodiscard]] std::optional<MetricSpec> parse_metric_spec(std::string_view text);

struct CustomMetric {
  std::string attribute;
  MetricSpec metric;
};

struct EngineSpec {
  std::string name;
  MetricSpec waiting;
  MetricSpec running;
  MetricSpec kv_usage;
  MetricSpec lora;
  // Block size and count stand in labels of one metric, or in metrics of their own.
  MetricSpec cache_info;
  std::string block_size_label = "block_size";
  std::string num_blocks_label = "num_gpu_blocks";
  MetricSpec block_size;
  MetricSpec num_blocks;
  MetricSpec decode_rate;  // tokens generated per second
  std::vector<CustomMetric> custom;
};

[[nodiscard]] std::span<const EngineSpec> builtin_engines();

// Which engine an endpoint runs, by its label.
struct EngineSpecs {
  std::vector<EngineSpec> engines{builtin_engines().begin(), builtin_engines().end()};
  std::string label_key = "llm-d.ai/engine-type";
  std::string legacy_label_key = "inference.networking.k8s.io/engine-type";
  std::string default_engine = "vllm";

  // Adds a spec or replaces the one of that name.
  void set(EngineSpec spec);
  // Null for an unknown name.
  [[nodiscard]] const EngineSpec* find(std::string_view name) const;
};

}  // namespace nacelle::router
