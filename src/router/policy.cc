#include "router/policy.h"

#include "router/config/router_setup.h"

namespace nacelle::router {
namespace {

constexpr std::string_view kPrefixAware = R"(
apiVersion: llm-d.ai/v1alpha1
kind: EndpointPickerConfig
plugins:
- {type: prefix-cache-scorer}
- {type: load-cost-scorer}
- {type: queue-scorer}
- {type: kv-cache-utilization-scorer}
- {type: max-score-picker}
schedulingProfiles:
- name: default
  plugins:
  - {pluginRef: prefix-cache-scorer, weight: 2}
  - {pluginRef: load-cost-scorer, weight: 3}
  - {pluginRef: queue-scorer, weight: 0.5}
  - {pluginRef: kv-cache-utilization-scorer, weight: 0.5}
  - {pluginRef: max-score-picker}
)";

constexpr std::string_view kLeastLoaded = R"(
apiVersion: llm-d.ai/v1alpha1
kind: EndpointPickerConfig
plugins:
- {type: active-request-scorer}
- {type: max-score-picker}
)";

constexpr std::string_view kRoundRobin = R"(
apiVersion: llm-d.ai/v1alpha1
kind: EndpointPickerConfig
plugins:
- {type: round-robin-picker}
)";

constexpr std::string_view kRandom = R"(
apiVersion: llm-d.ai/v1alpha1
kind: EndpointPickerConfig
plugins:
- {type: random-picker}
)";

}  // namespace

Result<std::string_view> policy_config(std::string_view name) {
  if (name == "prefix-aware") return kPrefixAware;
  if (name == "least-loaded") return kLeastLoaded;
  if (name == "round-robin") return kRoundRobin;
  if (name == "random") return kRandom;
  return invalid_argument("unknown policy '{}'; there are {}", name, kPolicyNames);
}

Result<Schedule> make_policy(std::string_view name) {
  ASSIGN_OR_RETURN(const std::string_view text, policy_config(name));
  auto setup = load_router_setup(text, "policy");
  CHECK(setup.has_value());
  return std::move(setup->schedule);
}

}  // namespace nacelle::router
