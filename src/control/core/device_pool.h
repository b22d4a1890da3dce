// device_pool.h: which container has which accelerators, by number.
//
// Every resource of a node whose name holds a '/' ("nvidia.com/gpu") is a row of devices 0, 1, 2,
// ... Whether there is hardware behind them does not matter here.
//
// Home:    pure; a value of the node agent.
// Errors:  resource_exhausted naming what is asked and what is free.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace nacelle::control {

class DevicePool {
 public:
  // Resource to number of devices.
  explicit DevicePool(std::map<std::string, std::int64_t> capacity)
      : capacity_(std::move(capacity)) {}

  // The lowest free ones; those the owner has when it has some of that resource.
  [[nodiscard]] Result<std::vector<int>> allocate(const std::string& owner,
                                                  const std::string& resource, std::int64_t count) {
    auto& taken = taken_[resource];
    std::vector<int> out;
    for (const auto& [device, who] : taken) {
      if (who == owner) out.push_back(device);
    }
    if (static_cast<std::int64_t>(out.size()) == count) return out;
    const std::int64_t total = capacity_[resource];
    const std::int64_t free =
        total - static_cast<std::int64_t>(taken.size()) + static_cast<std::int64_t>(out.size());
    if (count > free) {
      return resource_exhausted("{} of {} are asked, {} of {} are free", count, resource, free,
                                total);
    }
    release(owner, resource);
    out.clear();
    for (int device = 0; device < total && static_cast<std::int64_t>(out.size()) < count;
         ++device) {
      if (taken.emplace(device, owner).second) out.push_back(device);
    }
    return out;
  }
  // After a restart: false when another one has it or there is no such device.
  bool restore(const std::string& owner, const std::string& resource, int device) {
    if (device < 0 || device >= capacity_[resource]) return false;
    const auto [found, fresh] = taken_[resource].emplace(device, owner);
    return fresh || found->second == owner;
  }
  void release(const std::string& owner) {
    for (auto& [resource, taken] : taken_) release(owner, resource);
  }

 private:
  void release(const std::string& owner, const std::string& resource) {
    std::erase_if(taken_[resource], [&](const auto& entry) { return entry.second == owner; });
  }

  std::map<std::string, std::int64_t> capacity_;
  std::map<std::string, std::map<int, std::string>> taken_;
};

}  // namespace nacelle::control
