#include "control/core/workload/pod_state.h"

#include <algorithm>
#include <charconv>

#include "kube/time.h"

namespace nacelle::control::workload {
namespace {

using kube::Json;
using kube::text_at;

const Json* ready_condition(const Json& pod) {
  for (const Json& condition : kube::list_at(pod, {"status", "conditions"})) {
    if (text_at(condition, {"type"}) == "Ready") return &condition;
  }
  return nullptr;
}

int phase_rank(const Json& pod) {
  const std::string_view phase = text_at(pod, {"status", "phase"});
  if (phase == "Pending" || phase.empty()) return 0;
  return phase == "Unknown" ? 1 : 2;
}

std::int64_t deletion_cost(const Json& pod) {
  const std::string_view text =
      text_at(pod, {"metadata", "annotations", "controller.kubernetes.io/pod-deletion-cost"});
  std::int64_t cost = 0;
  std::from_chars(text.data(), text.data() + text.size(), cost);
  return cost;
}

std::int64_t restarts(const Json& pod) {
  std::int64_t most = 0;
  for (const Json& status : kube::list_at(pod, {"status", "containerStatuses"})) {
    most = std::max(most, kube::number_at(status, {"restartCount"}).value_or(0));
  }
  return most;
}

}  // namespace

bool is_active(const Json& pod) {
  const std::string_view phase = text_at(pod, {"status", "phase"});
  return !kube::is_being_deleted(pod) && phase != "Succeeded" && phase != "Failed";
}

bool is_serving(const Json& pod) {
  const Json* condition = ready_condition(pod);
  return condition != nullptr && text_at(*condition, {"status"}) == "True";
}

std::optional<std::int64_t> ready_since(const Json& pod) {
  if (!is_serving(pod)) return std::nullopt;
  return kube::parse_timestamp(text_at(*ready_condition(pod), {"lastTransitionTime"})).value_or(0);
}

bool is_available(const Json& pod, std::int64_t min_ready_seconds, std::int64_t now,
                  std::optional<std::int64_t>& wait) {
  const auto since = ready_since(pod);
  if (!since) return false;
  const std::int64_t missing = *since + min_ready_seconds - now;
  if (min_ready_seconds == 0 || missing <= 0) return true;
  wait = wait ? std::min(*wait, missing) : missing;
  return false;
}

bool goes_before(const Json& a, std::int64_t a_on_node, const Json& b, std::int64_t b_on_node) {
  const auto differs = [](auto x, auto y) { return x != y; };
  const bool a_placed = !text_at(a, {"spec", "nodeName"}).empty();
  const bool b_placed = !text_at(b, {"spec", "nodeName"}).empty();
  if (differs(a_placed, b_placed)) return !a_placed;
  if (differs(phase_rank(a), phase_rank(b))) return phase_rank(a) < phase_rank(b);
  if (differs(is_serving(a), is_serving(b))) return !is_serving(a);
  if (differs(deletion_cost(a), deletion_cost(b))) return deletion_cost(a) < deletion_cost(b);
  if (differs(a_on_node, b_on_node)) return a_on_node > b_on_node;
  const auto a_ready = ready_since(a);
  const auto b_ready = ready_since(b);
  if (differs(a_ready, b_ready)) return a_ready.value_or(0) > b_ready.value_or(0);
  if (differs(restarts(a), restarts(b))) return restarts(a) > restarts(b);
  const std::string_view a_made = text_at(a, {"metadata", "creationTimestamp"});
  const std::string_view b_made = text_at(b, {"metadata", "creationTimestamp"});
  if (differs(a_made, b_made)) return a_made > b_made;
  return kube::key_of(a).name < kube::key_of(b).name;
}

}  // namespace nacelle::control::workload
