// endpoint_picker_config.h: an EndpointPickerConfig as it is written, before plugins are made.
//
// Both API groups and the deprecated spellings (`saturationDetector`, `parser`, `data`) are read
// into one shape. Building it is router_setup.h's part.
//
// Home:    a value.
// Errors:  every problem with its path goes to `problems`.
// Source:  router.md section 7.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "router/config/fields.h"
#include "router/plugin_registry.h"

namespace nacelle::router {

struct PluginRef {
  std::string name;  // "" when the section is absent
  std::string path;
};

struct ProfilePluginSpec {
  PluginRef ref;
  std::optional<double> weight;
};

struct ProfileSpec {
  std::string name;
  std::string path;
  std::vector<ProfilePluginSpec> plugins;
};

struct DataSourceSpec {
  PluginRef ref;
  std::vector<PluginRef> extractors;
};

struct DataLayerSpec {
  bool inject_defaults = true;  // the metrics source with the core extractor
  std::vector<DataSourceSpec> sources;
  PluginRef discovery;
  PluginRef peer_discovery;
  PluginRef cross_replica_syncer;
  Duration cross_replica_sync_interval{};
};

struct BandSpec {
  int priority = 0;
  std::string path;
  std::optional<std::uint64_t> max_bytes;
  std::optional<std::uint64_t> max_requests;
  PluginRef fairness;
  PluginRef ordering;
};

struct FlowControlSpec {
  std::optional<std::uint64_t> max_bytes;
  std::optional<std::uint64_t> max_requests;
  std::optional<Duration> default_request_ttl;
  std::optional<Duration> no_endpoint_request_ttl;
  std::optional<BandSpec> default_band;
  std::optional<BandSpec> default_negative_band;
  std::vector<BandSpec> bands;
  PluginRef usage_limit;
  bool enable_eviction = false;
};

struct EndpointPickerConfig {
  bool gate_flow_control = false;
  bool gate_ha_populate_non_leader_datastore = true;
  std::vector<PluginSpec> plugins;
  std::vector<ProfileSpec> profiles;
  std::vector<PluginRef> parsers;
  DataLayerSpec data_layer;
  FlowControlSpec flow_control;
  PluginRef saturation_detector;
};

// `node` may be null or empty: no configuration at all.
[[nodiscard]] EndpointPickerConfig read_endpoint_picker_config(const ConfigNode& node,
                                                               Problems& problems);

}  // namespace nacelle::router
