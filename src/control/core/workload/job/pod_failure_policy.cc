#include "control/core/workload/job/pod_failure_policy.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

namespace nacelle::control::workload {
namespace {

using kube::Json;
using kube::text_at;

std::optional<std::string> match_exit_codes(const Json& rule, const Json& pod, std::size_t index,
                                            std::string_view action) {
  const std::string_view wanted = text_at(rule, {"containerName"});
  const std::string_view op = text_at(rule, {"operator"});
  const Json& values = kube::list_at(rule, {"values"});
  for (const char* list : {"containerStatuses", "initContainerStatuses"}) {
    for (const Json& status : kube::list_at(pod, {"status", list})) {
      const std::string_view name = text_at(status, {"name"});
      const auto code = kube::number_at(status, {"state", "terminated", "exitCode"});
      if (!code || *code == 0 || (!wanted.empty() && wanted != name)) continue;
      const bool in = std::find(values.begin(), values.end(), Json(*code)) != values.end();
      if ((op == "In" && in) || (op == "NotIn" && !in)) {
        const kube::ObjectKey key = kube::key_of(pod);
        return fmt::format(
            "Container {} for pod {}/{} failed with exit code {} matching {} rule at index {}",
            name, key.name_space, key.name, *code, action, index);
      }
    }
  }
  return std::nullopt;
}

std::optional<std::string> match_conditions(const Json& patterns, const Json& pod,
                                            std::size_t index, std::string_view action) {
  for (const Json& condition : kube::list_at(pod, {"status", "conditions"})) {
    for (const Json& pattern : patterns) {
      const std::string_view status = text_at(pattern, {"status"});
      if (text_at(pattern, {"type"}) == text_at(condition, {"type"}) &&
          (status.empty() ? "True" : status) == text_at(condition, {"status"})) {
        const kube::ObjectKey key = kube::key_of(pod);
        return fmt::format("Pod {}/{} has condition {} matching {} rule at index {}",
                           key.name_space, key.name, text_at(condition, {"type"}), action, index);
      }
    }
  }
  return std::nullopt;
}

}  // namespace

FailureVerdict judge_failure(const Json& policy, const Json& pod) {
  std::size_t index = 0;
  for (const Json& rule : kube::list_at(policy, {"rules"})) {
    const std::string_view action = text_at(rule, {"action"});
    std::optional<std::string> message;
    if (const Json* codes = kube::find(rule, {"onExitCodes"}); codes != nullptr) {
      message = match_exit_codes(*codes, pod, index, action);
    } else {
      message = match_conditions(kube::list_at(rule, {"onPodConditions"}), pod, index, action);
    }
    ++index;
    if (!message) continue;
    if (action == "FailJob") return {FailureAction::kFailJob, *message};
    if (action == "FailIndex") return {FailureAction::kFailIndex, *message};
    if (action == "Ignore") return {FailureAction::kIgnore, *message};
    if (action == "Count") return {FailureAction::kCount, *message};
    // An action of a later version: the rule does not apply, as Kubernetes has it.
  }
  return {};
}

}  // namespace nacelle::control::workload
