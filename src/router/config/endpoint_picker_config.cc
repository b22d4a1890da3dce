#include "router/config/endpoint_picker_config.h"

#include <algorithm>
#include <array>

#include "base/nearest_name.h"

namespace nacelle::router {
namespace {

void read_ref(Fields& fields, std::string_view key, PluginRef& out) {
  fields.text(key, out.name);
  out.path = fields.path_of(key);
}

// {pluginRef: name}
void read_ref_object(Fields& fields, std::string_view key, PluginRef& out) {
  fields.object(key, [&](Fields& inner) {
    read_ref(inner, "pluginRef", out);
    if (out.name.empty()) inner.problem("pluginRef", "is missing");
  });
}

void read_gates(Fields& fields, EndpointPickerConfig& out) {
  std::vector<std::string> gates;
  fields.strings("featureGates", gates);
  for (std::size_t i = 0; i < gates.size(); ++i) {
    const std::string& gate = gates[i];
    const std::size_t equals = std::min(gate.find('='), gate.size());
    const std::string_view name = std::string_view(gate).substr(0, equals);
    const std::string_view value =
        equals < gate.size() ? std::string_view(gate).substr(equals + 1) : "true";
    const std::string key = fmt::format("featureGates[{}]", i);
    if (value != "true" && value != "false") {
      fields.problem(key, fmt::format("'{}' is neither true nor false", value.substr(0, 100)));
      continue;
    }
    static constexpr std::array<std::string_view, 2> kGates = {"flowControl",
                                                               "haPopulateNonLeaderDatastore"};
    if (name == kGates[0]) {
      out.gate_flow_control = value == "true";
    } else if (name == kGates[1]) {
      out.gate_ha_populate_non_leader_datastore = value == "true";
    } else {
      fields.problem(key, unknown_name("feature gate", name, kGates));
    }
  }
}

void read_plugins(Fields& fields, EndpointPickerConfig& out) {
  fields.each("plugins", [&](Fields& plugin) {
    PluginSpec spec;
    spec.path = plugin.path();
    plugin.text("type", spec.type);
    plugin.text("name", spec.name);
    if (const ConfigNode* parameters = plugin.find("parameters")) spec.parameters = *parameters;
    if (spec.type.empty()) return plugin.problem("type", "is missing");
    if (spec.name.empty()) spec.name = spec.type;
    if (std::any_of(out.plugins.begin(), out.plugins.end(),
                    [&](const PluginSpec& other) { return other.name == spec.name; })) {
      return plugin.problem("name", fmt::format("another plugin is named '{}' too", spec.name));
    }
    out.plugins.push_back(std::move(spec));
  });
}

void read_profiles(Fields& fields, EndpointPickerConfig& out) {
  fields.each("schedulingProfiles", [&](Fields& profile) {
    ProfileSpec spec;
    spec.path = profile.path();
    profile.text("name", spec.name);
    profile.each("plugins", [&](Fields& plugin) {
      ProfilePluginSpec item;
      read_ref(plugin, "pluginRef", item.ref);
      if (plugin.has("weight")) {
        double weight = 1;
        plugin.number("weight", weight, -1e6, 1e6);
        item.weight = weight;
      }
      if (item.ref.name.empty()) return plugin.problem("pluginRef", "is missing");
      spec.plugins.push_back(std::move(item));
    });
    if (spec.name.empty()) return profile.problem("name", "is missing");
    if (std::any_of(out.profiles.begin(), out.profiles.end(),
                    [&](const ProfileSpec& other) { return other.name == spec.name; })) {
      return profile.problem("name", fmt::format("another profile is named '{}' too", spec.name));
    }
    out.profiles.push_back(std::move(spec));
  });
}

void read_parsers(Fields& fields, EndpointPickerConfig& out) {
  PluginRef only;
  read_ref_object(fields, "parser", only);  // deprecated
  if (!only.name.empty()) out.parsers.push_back(only);
  fields.object("requestHandler", [&](Fields& handler) {
    handler.each("parsers", [&](Fields& parser) {
      PluginRef ref;
      read_ref(parser, "pluginRef", ref);
      if (ref.name.empty()) return parser.problem("pluginRef", "is missing");
      out.parsers.push_back(std::move(ref));
    });
  });
}

void read_data_layer(Fields& fields, DataLayerSpec& out) {
  fields.boolean("injectDefaults", out.inject_defaults);
  fields.each("sources", [&](Fields& source) {
    DataSourceSpec spec;
    read_ref(source, "pluginRef", spec.ref);
    source.each("extractors", [&](Fields& extractor) {
      PluginRef ref;
      read_ref(extractor, "pluginRef", ref);
      if (ref.name.empty()) return extractor.problem("pluginRef", "is missing");
      spec.extractors.push_back(std::move(ref));
    });
    if (spec.ref.name.empty()) return source.problem("pluginRef", "is missing");
    out.sources.push_back(std::move(spec));
  });
  read_ref_object(fields, "discovery", out.discovery);
  read_ref_object(fields, "peerDiscovery", out.peer_discovery);
  read_ref(fields, "crossReplicaSyncerPluginRef", out.cross_replica_syncer);
  fields.duration("crossReplicaSyncInterval", out.cross_replica_sync_interval);
}

void read_optional_quantity(Fields& fields, std::string_view key,
                            std::optional<std::uint64_t>& out) {
  if (!fields.has(key)) return;
  std::uint64_t value = 0;
  fields.quantity(key, value);
  out = value;
}

void read_optional_duration(Fields& fields, std::string_view key, std::optional<Duration>& out) {
  if (!fields.has(key)) return;
  Duration value{};
  fields.duration(key, value);
  out = value;
}

void read_band(Fields& fields, BandSpec& out) {
  out.path = fields.path();
  read_optional_quantity(fields, "maxBytes", out.max_bytes);
  read_optional_quantity(fields, "maxRequests", out.max_requests);
  read_ref(fields, "fairnessPolicyRef", out.fairness);
  read_ref(fields, "orderingPolicyRef", out.ordering);
}

void read_flow_control(Fields& fields, EndpointPickerConfig& config) {
  FlowControlSpec& out = config.flow_control;
  read_optional_quantity(fields, "maxBytes", out.max_bytes);
  read_optional_quantity(fields, "maxRequests", out.max_requests);
  read_optional_duration(fields, "defaultRequestTTL", out.default_request_ttl);
  read_optional_duration(fields, "noEndpointRequestTTL", out.no_endpoint_request_ttl);
  fields.object("defaultPriorityBand",
                [&](Fields& band) { read_band(band, out.default_band.emplace()); });
  fields.object("defaultNegativePriorityBand",
                [&](Fields& band) { read_band(band, out.default_negative_band.emplace()); });
  fields.each("priorityBands", [&](Fields& band) {
    BandSpec spec;
    if (!band.has("priority")) band.problem("priority", "is missing");
    band.count("priority", spec.priority, INT32_MIN, INT32_MAX);
    read_band(band, spec);
    for (const BandSpec& other : out.bands) {
      if (other.priority == spec.priority) {
        return band.problem("priority", fmt::format("{} occurs twice", spec.priority));
      }
    }
    out.bands.push_back(std::move(spec));
  });
  read_ref(fields, "usageLimitPolicyPluginRef", out.usage_limit);
  read_ref_object(fields, "saturationDetector", config.saturation_detector);
  fields.boolean("enableEviction", out.enable_eviction);
}

}  // namespace

EndpointPickerConfig read_endpoint_picker_config(const ConfigNode& node, Problems& problems) {
  EndpointPickerConfig out;
  if (node.is_null()) return out;
  Fields fields(&node, "", problems);
  if (!node.is_map()) return out;

  static constexpr std::array<std::string_view, 2> kVersions = {
      "llm-d.ai/v1alpha1", "inference.networking.x-k8s.io/v1alpha1"};
  std::string version, kind;
  fields.text("apiVersion", version);
  fields.text("kind", kind);
  if (std::find(kVersions.begin(), kVersions.end(), version) == kVersions.end()) {
    fields.problem("apiVersion", unknown_name("API version", version, kVersions));
  }
  if (kind != "EndpointPickerConfig") {
    fields.problem("kind", fmt::format("'{}' is not EndpointPickerConfig", kind.substr(0, 100)));
  }
  fields.ignored("metadata");  // objects of the API server carry it

  read_gates(fields, out);
  read_plugins(fields, out);
  read_profiles(fields, out);
  read_parsers(fields, out);
  fields.object("data", [&](Fields& data) { read_data_layer(data, out.data_layer); });  // older
  fields.object("dataLayer", [&](Fields& data) { read_data_layer(data, out.data_layer); });
  read_ref_object(fields, "saturationDetector", out.saturation_detector);  // deprecated
  fields.object("flowControl", [&](Fields& flow) { read_flow_control(flow, out); });
  fields.finish();
  return out;
}

}  // namespace nacelle::router
