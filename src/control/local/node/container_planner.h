// container_planner.h: from a pod's specification to the plan of one container's process.
//
// Home:    the agent's loop; looks at the disk for programs and volumes.
// Errors:  a waiting reason and a message for people: CreateContainerConfigError for missing
// objects,
//          ErrImagePull for what cannot run here, CreateContainerError for the rest.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "control/core/pod/pod_facts.h"
#include "control/core/pod/pod_state.h"
#include "control/local/node/container_plan.h"
#include "control/local/node/node_config.h"
#include "control/local/node/pod_folder.h"
#include "control/local/node/volumes.h"

namespace nacelle::control::node {

struct StartFailure {
  std::string reason;
  std::string message;
};

struct PlanInputs {
  const NodeConfig& config;
  const pod::PodSpec& spec;
  const pod::ContainerState& state;  // of this run
  const pod::PodPlace& place;
  const NodeInputs& inputs;
  const VolumePaths& volumes;
  const PodFolder& folder;
  MountMode mount_mode = MountMode::kTranslate;
  std::vector<std::string> devices;  // "CUDA_VISIBLE_DEVICES=0,1" and the like
};

struct PlannedContainer {
  ContainerPlan plan;
  std::vector<std::string> notes;  // told as events: what differs from a container elsewhere
};

[[nodiscard]] std::variant<PlannedContainer, StartFailure> plan_container(const PlanInputs& from,
                                                                          std::size_t index);

}  // namespace nacelle::control::node
