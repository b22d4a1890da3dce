#include "control/core/kserve/scheduler_config.h"

#include <array>
#include <utility>
#include <vector>

namespace nacelle::control::kserve {
namespace {

struct Use {
  const char* plugin;
  int weight;  // 0: no scorer
};

Json profile(const char* name, const std::vector<Use>& uses, bool lora) {
  Json plugins = Json::array();
  const auto add = [&](const Use& use) {
    Json entry = {{"pluginRef", use.plugin}};
    if (use.weight > 0) entry["weight"] = use.weight;
    plugins.push_back(std::move(entry));
  };
  for (const Use& use : uses) add(use);
  if (lora) add({"lora-affinity-scorer", 4});
  return {{"name", name}, {"plugins", std::move(plugins)}};
}

Json config(const std::vector<const char*>& plugins, Json profiles, bool lora) {
  Json list = Json::array();
  for (const char* type : plugins) {
    Json plugin = {{"type", type}};
    if (std::string_view(type) == "disagg-profile-handler") {
      plugin["parameters"] = {{"deciders", {{"prefill", "always-disagg-pd-decider"}}}};
    }
    list.push_back(std::move(plugin));
  }
  if (lora) list.push_back({{"type", "lora-affinity-scorer"}});
  return {{"apiVersion", "llm-d.ai/v1alpha1"},
          {"kind", "EndpointPickerConfig"},
          {"plugins", std::move(list)},
          {"schedulingProfiles", std::move(profiles)}};
}

}  // namespace

std::string scheduler_config_text(const Spec& spec) {
  const auto text = [](const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
  };
  const Json* written = kube::find(spec.scheduler, {"config", "inline"});
  if (written != nullptr) return text(*written);
  const bool lora = !spec.model.adapters.empty();
  if (!spec.prefill) {
    return text(config({"single-profile-handler", "queue-scorer", "kv-cache-utilization-scorer",
                        "prefix-cache-scorer", "no-hit-lru-scorer", "max-score-picker"},
                       Json::array({profile("default",
                                            {{"queue-scorer", 2},
                                             {"kv-cache-utilization-scorer", 2},
                                             {"prefix-cache-scorer", 3},
                                             {"no-hit-lru-scorer", 2},
                                             {"max-score-picker", 0}},
                                            lora)}),
                       lora));
  }
  return text(config(
      {"disagg-headers-handler", "prefill-filter", "decode-filter", "always-disagg-pd-decider",
       "disagg-profile-handler", "prefix-cache-scorer", "queue-scorer",
       "kv-cache-utilization-scorer", "active-request-scorer", "max-score-picker"},
      Json::array({profile("prefill",
                           {{"prefill-filter", 0},
                            {"prefix-cache-scorer", 3},
                            {"queue-scorer", 2},
                            {"kv-cache-utilization-scorer", 2},
                            {"max-score-picker", 0}},
                           lora),
                   profile("decode",
                           {{"decode-filter", 0},
                            {"active-request-scorer", 2},
                            {"prefix-cache-scorer", 3},
                            {"max-score-picker", 0}},
                           lora)}),
      lora));
}

}  // namespace nacelle::control::kserve
