#include "control/local/node/usage_meter.h"

#include <algorithm>
#include <utility>

namespace nacelle::control::node {

void UsageMeter::sample(std::span<const RunningContainer> running, const ProcessTable& table) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  std::map<std::string, Measured> next;
  for (const RunningContainer& container : running) {
    const auto use = table.tree(container.shim);
    if (!use) continue;
    const std::string key = container.key();
    const auto before = measured_.find(key);
    Measured now{.at_ns = table.boot_ns(), .cpu_ns = use->cpu_ns, .usage = std::nullopt};
    std::int64_t since_ns = use->started_ns;
    std::int64_t cpu_ns = use->cpu_ns;
    const bool known = before != measured_.end();
    if (known) {
      since_ns = before->second.at_ns;
      cpu_ns -= before->second.cpu_ns;
    }
    const std::int64_t window_ns = now.at_ns - since_ns;
    const bool newborn = std::chrono::nanoseconds(window_ns) <= kNewborn;
    if (window_ns > 0 && (known || newborn)) {
      ContainerUsage usage;
      // A process whose parent does not wait for it takes its time along.
      const double cores =
          static_cast<double>(std::max<std::int64_t>(0, cpu_ns)) / static_cast<double>(window_ns);
      usage.cpu_nanocores = static_cast<std::int64_t>(cores * static_cast<double>(kSecond));
      usage.memory_bytes = use->memory_bytes;
      usage.at = table.wall();
      usage.window = std::chrono::nanoseconds(window_ns);
      now.usage = usage;
    }
    next.emplace(key, std::move(now));
  }
  measured_ = std::move(next);
}

std::optional<ContainerUsage> UsageMeter::of(const RunningContainer& container) const {
  const auto found = measured_.find(container.key());
  return found == measured_.end() ? std::nullopt : found->second.usage;
}

}  // namespace nacelle::control::node
