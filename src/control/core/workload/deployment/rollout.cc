#include "control/core/workload/deployment/rollout.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace nacelle::control::workload {
namespace {

std::int64_t scaled(const kube::Json* value, std::int64_t replicas, bool up) {
  std::int64_t percent = 25;
  if (value != nullptr && value->is_number_integer()) return std::max<std::int64_t>(0, *value);
  if (value != nullptr && value->is_string()) {
    const auto& text = value->get_ref<const std::string&>();
    std::from_chars(text.data(), text.data() + text.size(), percent);
  }
  const std::int64_t hundredths = std::max<std::int64_t>(0, percent) * replicas;
  return up ? (hundredths + 99) / 100 : hundredths / 100;
}

}  // namespace

RolloutLimits rollout_limits(const kube::Json& deployment, std::int64_t replicas) {
  const kube::Json& rolling = kube::map_at(deployment, {"spec", "strategy", "rollingUpdate"});
  RolloutLimits out{scaled(kube::find(rolling, {"maxSurge"}), replicas, true),
                    scaled(kube::find(rolling, {"maxUnavailable"}), replicas, false)};
  if (out.surge == 0 && out.unavailable == 0) out.unavailable = 1;
  return out;
}

Scales rolling_scales(std::int64_t replicas, RolloutLimits limits, ReplicaCount newest,
                      const std::vector<ReplicaCount>& old) {
  Scales out{newest.wanted, {}};
  std::int64_t all = newest.wanted;
  // A set that was just told to shrink still counts pods that are about to go.
  std::int64_t available = std::min(newest.available, newest.wanted);
  for (const ReplicaCount& set : old) {
    out.old.push_back(set.wanted);
    all += set.wanted;
    available += std::min(set.available, set.wanted);
  }
  if (newest.wanted > replicas) {
    out.newest = replicas;
    return out;
  }
  const std::int64_t room = replicas + limits.surge - all;
  if (newest.wanted < replicas && room > 0) {
    out.newest = newest.wanted + std::min(room, replicas - newest.wanted);
    return out;
  }
  const std::int64_t least = replicas - limits.unavailable;
  const std::int64_t may_go =
      all - least - std::max<std::int64_t>(0, newest.wanted - newest.available);
  if (may_go <= 0) return out;
  // Those that do not work go first: nobody misses them.
  std::int64_t gone = 0;
  for (std::size_t i = 0; i < old.size() && gone < may_go; ++i) {
    const std::int64_t broken = std::max<std::int64_t>(0, out.old[i] - old[i].available);
    const std::int64_t step = std::min(broken, may_go - gone);
    out.old[i] -= step;
    gone += step;
  }
  std::int64_t spare = available - least;
  for (std::size_t i = 0; i < old.size() && spare > 0; ++i) {
    const std::int64_t step = std::min(out.old[i], spare);
    out.old[i] -= step;
    spare -= step;
  }
  return out;
}

}  // namespace nacelle::control::workload
