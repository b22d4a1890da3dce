#include "control/core/workload/horizontal_pod_autoscaler/scaling_rules.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace nacelle::control::workload {
namespace {

using Entries = std::vector<ScaleMemory::Entry>;

constexpr std::int64_t kDownWindow = 300;
constexpr std::int64_t kMemorySeconds = 3600;
constexpr const char* kHighest =
    "recent recommendations were higher than current one, applying the highest recent "
    "recommendation";
constexpr const char* kLowest =
    "recent recommendations were lower than current one, applying the lowest recent recommendation";

void forget(Entries& entries, std::int64_t now) {
  std::erase_if(entries, [&](const auto& entry) { return entry.at + kMemorySeconds < now; });
}

std::int64_t window_of(const Json& rules, std::int64_t fallback) {
  return std::max<std::int64_t>(
      0, kube::number_at(rules, {"stabilizationWindowSeconds"}).value_or(fallback));
}

// The recommendation that neither window forbids.
void stabilise(const Json& behavior, std::int64_t recommended, std::int64_t current,
               std::int64_t now, ScaleMemory& memory, Ruled& out) {
  const std::int64_t up_since = now - window_of(kube::map_at(behavior, {"scaleUp"}), 0);
  const std::int64_t down_since =
      now - window_of(kube::map_at(behavior, {"scaleDown"}), kDownWindow);
  std::int64_t lowest = recommended;
  std::int64_t highest = recommended;
  for (const auto& entry : memory.recommendations) {
    if (entry.at > up_since) lowest = std::min(lowest, entry.replicas);
    if (entry.at > down_since) highest = std::max(highest, entry.replicas);
  }
  out.replicas = std::max(current, lowest);
  if (out.replicas > highest) out.replicas = highest;
  memory.recommendations.push_back({now, recommended});
  out.stable_reason = "ReadyForNewScale";
  out.stable_message = "recommended size matches current size";
  if (out.replicas > recommended) {
    out.stable_reason = "ScaleDownStabilized";
    out.stable_message = kHighest;
  } else if (out.replicas < recommended) {
    out.stable_reason = "ScaleUpStabilized";
    out.stable_message = kLowest;
  }
}

std::int64_t changed_since(const Entries& entries, std::int64_t since) {
  std::int64_t sum = 0;
  for (const auto& entry : entries) sum += entry.at > since ? entry.replicas : 0;
  return sum;
}

// How far one step may go. Policies count from the replicas at the start of their period.
std::int64_t furthest(const Json& rules, bool up, std::int64_t current, std::int64_t now,
                      const ScaleMemory& memory) {
  const std::string_view select = kube::text_at(rules, {"selectPolicy"});
  if (select == "Disabled") return current;
  std::optional<std::int64_t> best;
  for (const Json& policy : kube::list_at(rules, {"policies"})) {
    const auto value = static_cast<double>(kube::number_at(policy, {"value"}).value_or(0));
    const std::int64_t since = now - kube::number_at(policy, {"periodSeconds"}).value_or(0);
    const std::int64_t start =
        current - changed_since(memory.scaled_up, since) + changed_since(memory.scaled_down, since);
    const auto from = static_cast<double>(start);
    double to = 0;
    if (kube::text_at(policy, {"type"}) == "Pods") {
      to = up ? from + value : from - value;
    } else {
      to = up ? std::ceil(from * (100 + value) / 100) : std::floor(from * (100 - value) / 100);
    }
    const auto next = static_cast<std::int64_t>(
        std::clamp<double>(to, 0, std::numeric_limits<std::int32_t>::max()));
    const bool higher = (select != "Min") == up;  // Max goes far, whichever the direction
    if (!best || (higher ? next > *best : next < *best)) best = next;
  }
  if (!best) return current;
  return up ? std::max(*best, current) : std::min(*best, current);
}

Json with_defaults(const Json& behavior) {
  Json out = behavior;
  const auto put = [](Json& object, const char* name, Json value) {
    if (!object.contains(name)) object[name] = std::move(value);
  };
  const Json percent = {{"type", "Percent"}, {"value", 100}, {"periodSeconds", 15}};
  const Json pods = {{"type", "Pods"}, {"value", 4}, {"periodSeconds", 15}};
  put(out["scaleUp"], "policies", Json::array({pods, percent}));
  put(out["scaleDown"], "policies", Json::array({percent}));
  return out;
}

void limit(const ScaleLimits& limits, std::int64_t up_to, std::int64_t down_to, Ruled& out) {
  const auto cap = [&](std::int64_t to, const char* reason, const char* message) {
    out.replicas = to;
    out.limited = true;
    out.limit_reason = reason;
    out.limit_message = message;
  };
  out.limit_reason = "DesiredWithinRange";
  out.limit_message = "the desired count is within the acceptable range";
  if (out.replicas > limits.current && out.replicas > std::min(limits.most, up_to)) {
    if (limits.most <= up_to) {
      cap(limits.most, "TooManyReplicas",
          "the desired replica count is more than the maximum replica count");
    } else {
      cap(up_to, "ScaleUpLimit",
          "the desired replica count is increasing faster than the maximum scale rate");
    }
  } else if (out.replicas < limits.current && out.replicas < std::max(limits.least, down_to)) {
    if (limits.least >= down_to) {
      cap(limits.least, "TooFewReplicas",
          "the desired replica count is less than the minimum replica count");
    } else {
      cap(down_to, "ScaleDownLimit",
          "the desired replica count is decreasing faster than the maximum scale rate");
    }
  }
}

}  // namespace

Ruled rule(const Json& behavior, std::int64_t recommended, ScaleLimits limits, std::int64_t now,
           ScaleMemory& memory) {
  forget(memory.recommendations, now);
  Ruled out;
  stabilise(behavior, recommended, limits.current, now, memory, out);
  if (!behavior.is_object()) {
    limit(limits, std::max<std::int64_t>(2 * limits.current, 4), 0, out);
    return out;
  }
  const Json rules = with_defaults(behavior);
  limit(limits, furthest(rules["scaleUp"], true, limits.current, now, memory),
        furthest(rules["scaleDown"], false, limits.current, now, memory), out);
  return out;
}

void remember_scale(ScaleMemory& memory, std::int64_t from, std::int64_t to, std::int64_t now) {
  forget(memory.scaled_up, now);
  forget(memory.scaled_down, now);
  if (to > from) memory.scaled_up.push_back({now, to - from});
  if (to < from) memory.scaled_down.push_back({now, from - to});
}

}  // namespace nacelle::control::workload
