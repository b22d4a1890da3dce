// node_object.h: a node as the API shows it.
//
// Home:    pure.
// Source:  kubernetes-api.md sections 19 to 21 (capacity, conditions, heartbeat lease).
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "control/core/pod/pod_spec.h"
#include "control/core/pod/time_text.h"

namespace nacelle::control::node {

struct NodeFacts {
  std::string name;
  std::string address;
  std::string pod_range;
  pod::Resources capacity;
  std::map<std::string, std::string> labels;  // beside those that every node has
  std::string kernel;                         // "6.18.44"
  std::string machine_id;
  std::string boot_id;
  std::string version;       // ours
  std::string architecture;  // "amd64"
  bool low_memory = false;
  bool low_disk = false;
  std::string mounts;  // how containers get their volumes: an annotation
  std::string limits;  // why there are no cgroups, or "cgroup v2"
};

// Capacity as the agent lets pods have it: all of it, since the agent's own share is small.
[[nodiscard]] pod::Resources allocatable_of(const pod::Resources& capacity);

// Metadata (name, labels, annotations) and spec for a node that registers.
[[nodiscard]] pod::Json node_object(const NodeFacts& facts);

// `since` is when Ready last changed; heartbeats carry `now`.
[[nodiscard]] pod::Json node_status(const NodeFacts& facts, pod::WallTime since, pod::WallTime now);

// The Lease of kube-node-lease: duration 40 s, to be renewed every 10 s.
[[nodiscard]] pod::Json node_lease(const std::string& name, pod::WallTime now);

}  // namespace nacelle::control::node
