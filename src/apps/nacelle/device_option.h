// device_option.h: accelerators that every node of `nacelle up` counts as its own.
//
//   nvidia.com/gpu=2:80Gi      two of 80 GiB each
//   nacelle.dev/accelerator=1  one of which the memory is not said
//
// They are counted, and given to pods by number; that they are there is the caller's word.
//
// Errors:  invalid_argument naming the text and what it should be.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "control/local/node/node_config.h"

namespace nacelle::apps {

struct DeviceOption {
  std::string resource;
  std::int64_t count = 0;
  std::int64_t memory_mib = 0;  // of one; 0: not said
};

[[nodiscard]] Result<DeviceOption> parse_device(const std::string& text);
[[nodiscard]] Result<std::vector<DeviceOption>> parse_devices(
    const std::vector<std::string>& texts);

// Into the capacity and the labels of a node.
void give_devices(const std::vector<DeviceOption>& devices, control::node::NodeConfig& node);

}  // namespace nacelle::apps
