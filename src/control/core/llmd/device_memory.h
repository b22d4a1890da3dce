// device_memory.h: the accelerators of a node and how much memory each has.
//
// How many there are is in status.allocatable ("nvidia.com/gpu"). Their memory is what feature
// discovery writes in labels, in MiB: "nvidia.com/gpu.memory"; those of another resource by its
// name, "nacelle.dev/accelerator.memory". With "nvidia.com/gpu.sharing-strategy": "time-slicing"
// each device counts "nvidia.com/gpu.replicas" times, and its memory is there once.
//
// Home:    pure.
// Errors:  none: what is no number is not there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kube/object.h"

namespace nacelle::control::llmd {

struct NodeDevices {
  std::string resource;
  std::int64_t count = 0;    // as allocatable says; 0 where only a label speaks of them
  std::int64_t bytes = 0;    // of one; 0: not known
  std::int64_t sharers = 1;  // of one
  friend bool operator==(const NodeDevices&, const NodeDevices&) = default;

  [[nodiscard]] std::int64_t physical() const { return (count + sharers - 1) / sharers; }
};

// "nvidia.com/gpu", "nacelle.dev/accelerator"
[[nodiscard]] bool is_device(std::string_view resource);
// By name of the resource.
[[nodiscard]] std::vector<NodeDevices> devices_of_node(const kube::Json& node);

}  // namespace nacelle::control::llmd
