#include "control/core/llmd/pool_memory.h"

#include <algorithm>

namespace nacelle::control::llmd {
namespace {

using kube::Condition;

void add(std::string& list, const std::string& text) {
  if (!list.empty()) list += "; ";
  list += text;
}

// The next share that becomes smaller by one replica; null when none can.
PoolShare* least_important(const std::vector<PoolService>& members,
                           std::vector<PoolShare>& shares) {
  std::size_t found = shares.size();
  for (std::size_t i = 0; i < shares.size(); ++i) {
    if (shares[i].allocated <= members[i].ready) continue;
    if (found == shares.size() || members[i].priority <= members[found].priority) found = i;
  }
  return found == shares.size() ? nullptr : &shares[found];
}

}  // namespace

PoolMemory validate_pool(const std::vector<Need>& needs, const std::vector<NodeDevices>& devices,
                         std::int64_t budget) {
  PoolMemory out;
  const std::vector<std::int64_t> sizes = device_sizes(devices, std::max<std::int64_t>(1, budget));
  if (sizes.empty()) {
    out.condition = {kVramValidated, "Unknown", "DeviceMemoryUnknown",
                     "no node says how much memory its devices have"};
    return out;
  }
  std::string too_large, unknown, reason;
  std::vector<const Need*> known;
  std::int64_t asked = 0;
  for (const Need& need : needs) {
    asked += need.devices;
    const Condition alone = fits_alone(need, devices);
    if (alone.status == "False") add(too_large, alone.message);
    if (alone.status == "Unknown") {
      if (reason.empty()) reason = alone.reason;
      add(unknown, need.tenant.name + ": " + alone.message);
    } else {
      known.push_back(&need);
    }
  }
  Status together;
  if (asked > static_cast<std::int64_t>(sizes.size())) together = place_together(known, sizes);
  if (!together.ok()) {
    for (const Need* need : known) out.refusals[need->tenant.name] = together.message();
  }
  if (!too_large.empty()) {
    out.condition = {kVramValidated, "False", kInsufficient, too_large};
  } else if (!together.ok()) {
    out.condition = {kVramValidated, "False", kInsufficient, together.message()};
  } else if (!unknown.empty()) {
    out.condition = {kVramValidated, "Unknown", reason, unknown};
  } else {
    out.condition = {kVramValidated, "True", "Fits", ""};
  }
  return out;
}

void fit_shares(const std::vector<PoolService>& members, const std::vector<Need>& needs,
                const std::vector<NodeDevices>& devices, std::vector<PoolShare>& shares) {
  const bool shared = std::any_of(devices.begin(), devices.end(),
                                  [](const NodeDevices& one) { return one.sharers > 1; });
  const std::vector<std::int64_t> sizes =
      shared ? device_sizes(devices, kMaxPoolGpus) : std::vector<std::int64_t>();
  if (sizes.empty()) return;
  while (true) {
    std::vector<const Need*> replicas;
    for (std::size_t i = 0; i < shares.size(); ++i) {
      if (!needs[i].known()) continue;
      if (shares[i].allocated > kMostPlaced - static_cast<std::int64_t>(replicas.size())) return;
      replicas.insert(replicas.end(), static_cast<std::size_t>(shares[i].allocated), &needs[i]);
    }
    if (place_together(std::move(replicas), sizes).ok()) return;
    PoolShare* share = least_important(members, shares);
    if (share == nullptr) return;
    --share->allocated;
    ++share->unmet;
    share->borrowed = std::max<std::int64_t>(0, share->allocated - share->entitlement);
  }
}

}  // namespace nacelle::control::llmd
