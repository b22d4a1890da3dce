// node_config.h: what one node is told when it starts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "control/core/pod/pod_spec.h"
#include "control/local/node/container_plan.h"

namespace nacelle::control::node {

struct NodeConfig {
  std::string name;
  std::filesystem::path folder;             // pods/ and bin/ of this node; one agent at a time
  std::string pod_range = "127.64.0.0/16";  // each pod gets an address of it
  // Held by whatever runs with such an address (local/range_claim.h); "" = nothing.
  std::string range_holder;
  std::string host_ip = "127.0.0.1";
  // Program and first arguments of the shim; kShimCommand and a folder are added.
  std::vector<std::string> shim = {"/proc/self/exe"};
  std::string version = "0.1.0";
  std::string engine;  // path of our binary: what engine images and `vllm` mean
  // cpu, memory, pods, ephemeral-storage and accelerators ("nvidia.com/gpu"). What is missing of
  // the first three is found out.
  pod::Resources capacity;
  std::map<std::string, std::string> labels;  // of the Node, beside its own
  std::vector<std::string> environment;       // "NAME=value" for every container, below its own
  std::optional<MountMode> mount_mode;        // not given: the best this process may
  bool cgroups = true;                        // limits where they are permitted
  std::uint64_t log_bytes = 10 << 20;
  int log_files = 5;
};

}  // namespace nacelle::control::node
