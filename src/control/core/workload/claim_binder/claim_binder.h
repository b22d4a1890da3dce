// claim_binder.h: PersistentVolumeClaims to PersistentVolumes.
//
// A claim takes the smallest volume that satisfies it: class, size, access modes, volume mode,
// selector, node. When there is none, a class of the provisioner nacelle.dev/local-path gets it a
// new one: a folder of this machine. Volumes name their claim first, then the claim names its
// volume, so that a crash in between loses neither. Claims are served oldest first.
//
// A class with WaitForFirstConsumer waits for a pod that has a node, and its volume belongs to that
// node. Claims and volumes in use are kept by the protection finalizers until nobody uses them. A
// volume whose claim is gone is Released; with the policy Delete its folder is removed (the shell
// does that before the volume's delete), with Retain it stays.
//
// Decides over all claims and volumes at once, since they compete.
//
// Home:    pure.
// Source:  Kubernetes documentation, "Persistent Volumes", "Storage Classes"; kubernetes-api.md
//          section 19.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "control/core/decision.h"

namespace nacelle::control::workload {

inline constexpr std::string_view kLocalPath = "nacelle.dev/local-path";

struct ClaimsObserved {
  std::vector<Json> claims, volumes, classes;
  std::vector<Json> pods, nodes;
  std::string folder;  // absolute; local-path volumes are made below it
  // By name of the volume: why its folder could not be removed.
  std::map<std::string, std::string> failed_removals;
  std::int64_t now = 0;  // seconds since 1970
};

// The folder goes first, then the volume.
struct Reclaim {
  std::string path;
  Delete volume;
  friend bool operator==(const Reclaim&, const Reclaim&) = default;
};
struct ClaimsDecision {
  Decision decision;
  std::vector<Reclaim> reclaims;
};

// What was told of a claim or volume, by uid: it is not told again.
struct ClaimsMemory {
  std::map<std::string, std::string> told;
};

[[nodiscard]] ClaimsDecision bind_claims(const ClaimsObserved& observed, ClaimsMemory& memory);

}  // namespace nacelle::control::workload
