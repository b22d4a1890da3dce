#include "apps/nacelle/precise_policy.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace nacelle::apps {

// JSON is YAML, and no path needs quoting of another kind.
std::string config_text(const PrecisePolicy& policy) {
  using nlohmann::json;
  constexpr const char* kProducer = "precise-prefix-cache-producer";
  json publishers = json::array();
  for (const PrecisePolicy::Engine& engine : policy.engines) {
    publishers.push_back(
        {{"endpoint", engine.address}, {"events", engine.events}, {"replay", engine.replay}});
  }
  json tokens = {{"modelPath", policy.model.string()}};
  if (!policy.chat_template.empty()) tokens["chatTemplate"] = policy.chat_template;
  const json events = {{"publishers", std::move(publishers)}};
  const json precise = {
      {"tokenProcessorConfig", {{"blockSizeTokens", policy.block_size_tokens}}},
      {"kvEventsConfig", events},
      {"speculativeIndexing", true},
  };
  const json by_producer = {{"prefixMatchInfoProducerName", kProducer}};
  const json plugins = json::array({
      {{"type", "token-producer"}, {"parameters", tokens}},
      {{"type", kProducer}, {"parameters", precise}},
      {{"type", "prefix-cache-scorer"}, {"parameters", by_producer}},
      {{"type", "load-cost-scorer"}, {"parameters", by_producer}},
      {{"type", "queue-scorer"}},
      {{"type", "kv-cache-utilization-scorer"}},
      {{"type", "max-score-picker"}},
  });
  const json profile = {
      {"name", "default"},
      {"plugins", json::array({{{"pluginRef", "prefix-cache-scorer"}, {"weight", 2}},
                               {{"pluginRef", "load-cost-scorer"}, {"weight", 3}},
                               {{"pluginRef", "queue-scorer"}, {"weight", 0.5}},
                               {{"pluginRef", "kv-cache-utilization-scorer"}, {"weight", 0.5}},
                               {{"pluginRef", "max-score-picker"}}})}};
  const json config = {{"apiVersion", "llm-d.ai/v1alpha1"},
                       {"kind", "EndpointPickerConfig"},
                       {"plugins", plugins},
                       {"schedulingProfiles", json::array({profile})}};
  return config.dump(2);
}

std::string kv_events_flag(const PrecisePolicy::Engine& engine, std::string_view model_name) {
  const nlohmann::json config = {{"enable_kv_cache_events", true},
                                 {"endpoint", engine.events},
                                 {"replay_endpoint", engine.replay},
                                 {"topic", "kv@" + engine.address + "@" + std::string(model_name)}};
  return config.dump();
}

std::string flag_value(const std::vector<std::string>& args, std::string_view flag) {
  std::string value;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::size_t equals = std::min(args[i].find('='), args[i].size());
    std::string name = args[i].substr(0, equals);
    std::replace(name.begin(), name.end(), '_', '-');
    if (name != flag) continue;
    if (equals < args[i].size()) {
      value = args[i].substr(equals + 1);
    } else if (i + 1 < args.size()) {
      value = args[i + 1];
    }
  }
  return value;
}

}  // namespace nacelle::apps
