// fit.h: whether replicas of services fit on the devices of the nodes, as the condition
// VRAMValidated.
//
// Each replica alone: on some node one of its devices must have room for its part of the model.
// Several on devices that they share: there must be a place for each, the largest placed first.
//
// What a service declares (spec.resources.vram, all of a replica) is believed; else the model's
// config.json and the engine's flags are computed with (memory.h). What is not known refuses
// nothing.
//
// Home:    pure.
// Source:  scaling-and-benchmarks.md section 9, row 18, and section 10.5.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/core/llmd/device_memory.h"
#include "control/core/llmd/memory.h"
#include "kube/conditions.h"

namespace nacelle::control::llmd {

inline constexpr const char* kVramValidated = "VRAMValidated";
inline constexpr const char* kInsufficient = "InsufficientVRAM";

// What is known of a service's model where the controllers run.
struct ModelFacts {
  std::optional<ModelShape> shape;
  std::string reason, message;  // why it is not: a word and a sentence
  friend bool operator==(const ModelFacts&, const ModelFacts&) = default;
};

// What one replica of a service takes of each of its devices.
struct Need {
  std::string resource;      // of the devices; "": any
  std::int64_t devices = 1;  // of the replica
  Tenant tenant;
  std::string reason, message;  // set when it is not known
  [[nodiscard]] bool known() const { return reason.empty(); }
};

// By limits or a declaration; others run on the CPU, and nothing is said of them.
[[nodiscard]] bool uses_devices(const kube::Json& service);
// Whether its model has to be looked at: nothing is declared, and the memory of devices is known.
[[nodiscard]] bool needs_model(const kube::Json& service, const std::vector<NodeDevices>& devices);
[[nodiscard]] Need need_of(const kube::Json& service, const ModelFacts& model);

[[nodiscard]] kube::Condition fits_alone(const Need& need, const std::vector<NodeDevices>& devices);

// The memory of each device there is, the largest first, at most so many. Those of which it is not
// known count as the smallest; where labels alone speak of devices there are `at_most`.
[[nodiscard]] std::vector<std::int64_t> device_sizes(const std::vector<NodeDevices>& devices,
                                                     std::int64_t at_most);
// Whether devices of these sizes have a place for each need, all of which are known;
// failed_precondition with every term and the shortfall.
[[nodiscard]] Status place_together(std::vector<const Need*> needs,
                                    const std::vector<std::int64_t>& sizes);

}  // namespace nacelle::control::llmd
