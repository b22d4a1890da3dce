#include "control/core/kserve/preset_catalogue.h"

#include <algorithm>

#include "base/check.h"
#include "kube/yaml.h"

namespace nacelle::control::kserve {
namespace {

constexpr std::string_view kTexts[] = {
#include "kserve_presets.inc"
};

std::vector<Json> parse_presets() {
  std::vector<Json> out;
  for (const std::string_view text : kTexts) {
    auto object = kube::json_of_yaml(text);
    CHECK(object.ok());  // our own files
    out.push_back(*std::move(object));
  }
  return out;
}

// "config-llm-decode-worker-data-parallel"
std::string workload_preset(const Workload& workload, std::string_view side) {
  std::string name = "config-llm-" + std::string(side);
  if (!workload.multi_node()) return name + "template";
  return name + (workload.parallelism.pipeline && !workload.parallelism.data
                     ? "worker-pipeline-parallel"
                     : "worker-data-parallel");
}

}  // namespace

std::span<const Json> presets() {
  static const std::vector<Json> kPresets = parse_presets();
  return kPresets;
}

bool is_preset_name(std::string_view name) {
  return std::any_of(presets().begin(), presets().end(), [&](const Json& preset) {
    return kube::text_at(preset, {"metadata", "name"}) == name;
  });
}

bool needs_tokenizer(const Spec& spec) {
  if (spec.scheduler.is_null()) return false;
  if (kube::find(spec.scheduler, {"tokenizer"}) != nullptr) return true;
  const Json& plugins = kube::list_at(spec.scheduler, {"config", "inline", "plugins"});
  return std::any_of(plugins.begin(), plugins.end(), [](const Json& plugin) {
    const std::string_view type = kube::text_at(plugin, {"type"});
    return type == "token-producer" || type == "precise-prefix-cache-scorer";
  });
}

std::vector<std::string> presets_for(const Spec& spec) {
  std::vector<std::string> out;
  if (spec.managed_scheduler()) out.push_back("config-llm-scheduler");
  if (spec.managed_scheduler() && needs_tokenizer(spec)) out.push_back("config-llm-tokenizer");
  if (!spec.route.is_null() && kube::list_at(spec.route, {"http", "refs"}).empty()) {
    out.push_back("config-llm-router-route");
  }
  if (!spec.tracing.is_null()) out.push_back("config-llm-tracing");
  if (!spec.prefill) {
    out.push_back(workload_preset(spec.main, ""));
  } else {
    out.push_back(workload_preset(*spec.prefill, "prefill-"));
    out.push_back(workload_preset(spec.main, "decode-"));
  }
  return out;
}

}  // namespace nacelle::control::kserve
