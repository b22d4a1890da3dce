#include "router/config/router_setup.h"

#include <algorithm>

#include "base/nearest_name.h"
#include "router/config/detector_plugin.h"
#include "router/config/endpoint_picker_config.h"
#include "router/config/flow_assembly.h"
#include "router/config/request_plugins.h"
#include "router/producer/predicted_latency/predicted_latency.h"
#include "router/verifier/served/served.h"

namespace nacelle::router {
namespace {

constexpr std::string_view kDefaultConfig = R"(
apiVersion: llm-d.ai/v1alpha1
kind: EndpointPickerConfig
plugins:
- type: queue-scorer
- type: kv-cache-utilization-scorer
- type: prefix-cache-scorer
- type: max-score-picker
schedulingProfiles:
- name: default
  plugins:
  - {pluginRef: queue-scorer, weight: 2}
  - {pluginRef: kv-cache-utilization-scorer, weight: 2}
  - {pluginRef: prefix-cache-scorer, weight: 3}
  - {pluginRef: max-score-picker}
)";

// Adds a plugin to a profile in every role a profile has for it.
void add_step(Profile& profile, Plugin& plugin, const ProfilePluginSpec& spec, Problems& problems) {
  bool used = false;
  if (const auto* filter = dynamic_cast<const Filter*>(&plugin)) {
    profile.filters.push_back({filter, plugin.name()});
    used = true;
  }
  if (const auto* scorer = dynamic_cast<const Scorer*>(&plugin)) {
    profile.scorers.push_back({scorer, spec.weight.value_or(1.0), plugin.name()});
    used = true;
  } else if (spec.weight) {
    problems.add(spec.ref.path,
                 fmt::format("'{}' is no scorer, so it has no weight", plugin.name()));
  }
  if (const auto* picker = dynamic_cast<const Picker*>(&plugin)) {
    if (profile.picker != nullptr) {
      problems.add(spec.ref.path, fmt::format("'{}' is a second picker", plugin.name()));
    }
    profile.picker = picker;
    profile.picker_name = plugin.name();
    used = true;
  }
  if (!used && find_plugin_type(plugin.type()) != nullptr &&
      find_plugin_type(plugin.type())->make != nullptr) {
    problems.add(spec.ref.path, fmt::format("'{}' of type {} is neither filter, scorer nor picker",
                                            plugin.name(), plugin.type()));
  }
}

// Without profiles: one with every filter, scorer and picker of the file.
std::vector<ProfileSpec> profiles_or_default(const EndpointPickerConfig& config) {
  if (!config.profiles.empty()) return config.profiles;
  return {{"default", "schedulingProfiles", {}}};
}

void build_profiles(const EndpointPickerConfig& config, BuildContext& context, Schedule& out,
                    Problems& problems) {
  for (const ProfileSpec& spec : profiles_or_default(config)) {
    Profile profile;
    profile.name = spec.name;
    for (const ProfilePluginSpec& item : spec.plugins) {
      if (Plugin* plugin = context.named(item.ref.name)) {
        add_step(profile, *plugin, item, problems);
      } else {
        problems.add(item.ref.path,
                     unknown_name("plugin", item.ref.name, context.declared_names()));
      }
    }
    if (config.profiles.empty()) {
      for (const PluginSpec& plugin : config.plugins) {
        Plugin* made = context.named(plugin.name);
        if (made == nullptr || dynamic_cast<DetectorPlugin*>(made) != nullptr) continue;
        if (dynamic_cast<Filter*>(made) == nullptr && dynamic_cast<Scorer*>(made) == nullptr &&
            dynamic_cast<Picker*>(made) == nullptr) {
          continue;
        }
        add_step(profile, *made, {{plugin.name, plugin.path}, std::nullopt}, problems);
      }
    }
    out.profiles.push_back(std::move(profile));
  }
}

// Fills in a picker, and the detector that the configuration names as a last filter.
void complete_profiles(const EndpointPickerConfig& config, BuildContext& context, Schedule& out) {
  Plugin* declared_picker = nullptr;
  for (const PluginSpec& spec : config.plugins) {
    Plugin* plugin = context.named(spec.name);
    if (declared_picker == nullptr && dynamic_cast<Picker*>(plugin) != nullptr) {
      declared_picker = plugin;
    }
  }
  auto* detector = config.saturation_detector.name.empty()
                       ? nullptr
                       : dynamic_cast<DetectorPlugin*>(context.named_or_type(
                             config.saturation_detector.name, config.saturation_detector.path));
  for (Profile& profile : out.profiles) {
    if (profile.picker == nullptr) {
      Plugin& plugin =
          declared_picker != nullptr ? *declared_picker : context.of_type("max-score-picker");
      profile.picker = dynamic_cast<Picker*>(&plugin);
      profile.picker_name = plugin.name();
    }
    const auto uses = [&](const FilterStep& step) { return step.filter == detector; };
    if (detector != nullptr && std::none_of(profile.filters.begin(), profile.filters.end(), uses)) {
      profile.filters.push_back({detector, detector->name()});
    }
  }
}

void choose_handler(BuildContext& context, Schedule& out, Problems& problems) {
  std::vector<Plugin*> handlers;
  for (const auto& plugin : context.plugins()) {
    if (dynamic_cast<ProfileHandler*>(plugin.get()) != nullptr) handlers.push_back(plugin.get());
  }
  if (handlers.size() > 1) {
    problems.add("plugins", fmt::format("'{}' and '{}' are both profile handlers; there is one",
                                        handlers[0]->name(), handlers[1]->name()));
  }
  if (handlers.empty() && out.profiles.size() > 1) {
    problems.add("schedulingProfiles",
                 fmt::format("{} profiles need a profile handler", out.profiles.size()));
    return;
  }
  Plugin* handler = handlers.empty() ? &context.of_type("single-profile-handler") : handlers[0];
  out.handler = dynamic_cast<ProfileHandler*>(handler);
}

void collect_kinds(const BuildContext& context, Schedule& out) {
  for (const auto& plugin : context.plugins()) {
    if (const auto* x = dynamic_cast<const Screener*>(plugin.get())) out.screeners.push_back(x);
    if (const auto* x = dynamic_cast<const Admitter*>(plugin.get())) out.admitters.push_back(x);
    if (const auto* x = dynamic_cast<const Finisher*>(plugin.get())) out.finishers.push_back(x);
    if (auto* x = dynamic_cast<Producer*>(plugin.get())) out.producers.push_back(x);
  }
  // Predictions look at the other columns, so they come after all of those.
  std::stable_partition(out.producers.begin(), out.producers.end(), [](Producer* producer) {
    return dynamic_cast<PredictedLatency*>(producer) == nullptr;
  });
  out.plugins = context.plugins();
  out.prefix_sources = context.prefix_sources;
  out.columns = context.columns;
  out.headers.assign(context.headers.begin(), context.headers.end());
  out.reservation = context.reservation;
  if (out.reservation.prefix_source == kNoPrefixSource && !out.prefix_sources.empty()) {
    out.reservation.prefix_source = 0;
  }
}

void build_data_layer(const EndpointPickerConfig& config, BuildContext& context,
                      DataLayerConfig& out, Problems& problems) {
  const DataLayerSpec& spec = config.data_layer;
  out.metrics = spec.inject_defaults;
  const auto take = [&](Plugin* plugin) {
    if (const auto* source = dynamic_cast<HttpSource*>(plugin);
        source != nullptr && plugin->type() == "metrics-data-source") {
      out.metrics = true;
      out.metrics_source = source->settings();
    }
    if (const auto* core = dynamic_cast<CoreMetricsExtractor*>(plugin)) {
      out.engines = core->engines();
    }
  };
  for (const DataSourceSpec& source : spec.sources) {
    take(context.named_or_type(source.ref.name, source.ref.path));
    for (const PluginRef& extractor : source.extractors) {
      take(context.named_or_type(extractor.name, extractor.path));
    }
  }
  if (spec.sources.empty()) {
    for (const PluginSpec& plugin : config.plugins) take(context.named(plugin.name));
  }
  if (!spec.discovery.name.empty()) {
    Plugin* plugin = context.named_or_type(spec.discovery.name, spec.discovery.path);
    if (const auto* file = dynamic_cast<FileDiscovery*>(plugin)) {
      out.endpoints_file = file->path();
      out.watch_endpoints_file = file->watch();
    } else if (plugin != nullptr) {
      problems.add(spec.discovery.path,
                   fmt::format("'{}' discovers no endpoints", spec.discovery.name));
    }
  }
  for (const PluginRef* ref : {&spec.peer_discovery, &spec.cross_replica_syncer}) {
    if (!ref->name.empty()) {
      problems.add(ref->path, "not supported: state shared between replicas");
    }
  }
}

void build_parsers(const EndpointPickerConfig& config, BuildContext& context, RouterSetup& out,
                   Problems& problems) {
  for (const PluginRef& ref : config.parsers) {
    Plugin* plugin = context.named_or_type(ref.name, ref.path);
    if (plugin == nullptr) continue;
    if (dynamic_cast<Parser*>(plugin) == nullptr) {
      problems.add(ref.path, fmt::format("'{}' of type {} is no parser", ref.name, plugin->type()));
      continue;
    }
    out.parsers.push_back(plugin->type());
  }
  if (config.parsers.empty()) {
    out.parsers = {"openai-parser", "anthropic-parser", "vllmhttp-parser", "passthrough-parser"};
  }
  // The fallback ends the list.
  const auto fallback =
      std::find(out.parsers.begin(), out.parsers.end(), std::string_view("passthrough-parser"));
  if (fallback != out.parsers.end()) out.parsers.erase(fallback + 1, out.parsers.end());
}

}  // namespace

Result<RouterSetup> load_router_setup(std::string_view text, std::string_view file,
                                      SetupOptions options) {
  auto parsed = parse_config_text(text);
  if (!parsed) return parsed.error().with_context(file.empty() ? "configuration" : file);
  if (parsed->is_null()) {
    text = kDefaultConfig;
    parsed = parse_config_text(text);
  }
  Problems problems;
  const EndpointPickerConfig config = read_endpoint_picker_config(*parsed, problems);
  std::vector<std::string> profile_names;
  for (const ProfileSpec& profile : profiles_or_default(config)) {
    profile_names.push_back(profile.name);
  }
  if (profile_names.size() > 32) {
    problems.add("schedulingProfiles",
                 fmt::format("{} profiles; there may be 32", profile_names.size()));
  }
  BuildContext context(config.plugins, std::move(profile_names),
                       {options.allow_experimental_plugins}, problems);
  context.make_all();

  RouterSetup out;
  out.text = text;
  out.warnings = problems.warnings();
  build_profiles(config, context, out.schedule, problems);
  complete_profiles(config, context, out.schedule);
  choose_handler(context, out.schedule, problems);
  out.flow_control = build_flow_control(config, context, problems);
  build_data_layer(config, context, out.data_layer, problems);
  build_parsers(config, context, out, problems);
  for (const auto& plugin : context.plugins()) {
    if (const auto* tokens = dynamic_cast<TokenProducer*>(plugin.get())) {
      out.tokens = tokens->config();
    }
    if (const auto* agents = dynamic_cast<AgentIdentity*>(plugin.get())) {
      out.use_agent_session = true;
      out.agent_session_headers = agents->additional_session_headers();
    }
    if (dynamic_cast<ServedVerifier*>(plugin.get()) != nullptr) out.echo_served_endpoint = true;
    const PluginType* type = find_plugin_type(plugin->type());
    if (type != nullptr && type->stability == Stability::kDeprecated) {
      out.warnings.push_back(
          fmt::format("plugin '{}': type {} is deprecated", plugin->name(), plugin->type()));
    }
  }
  out.populate_non_leader_datastore = config.gate_ha_populate_non_leader_datastore;
  collect_kinds(context, out.schedule);
  RETURN_IF_ERROR(problems.status(file));
  return out;
}

}  // namespace nacelle::router
