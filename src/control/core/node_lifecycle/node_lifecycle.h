// node_lifecycle.h: what follows from a node that is silent, not ready, tainted or gone.
//
//   silent for `grace`   → its conditions Unknown, taints unreachable
//   Ready is not True    → taints, and its pods are not ready: nobody sends them requests
//   a taint NoExecute    → pods that do not put up with it are deleted, others after their time
//   the Node is deleted  → its pods are removed, with force: nobody is there to end them
//
// Heartbeats are judged by when they were seen to change, on our own clock; the times that stand in
// them are only compared with each other. A taint's time begins when it was first seen here.
//
// Home:    pure; Memory is a value of the controller. Applied twice, an action changes nothing
// more. Bounds:  Memory has an entry per node and per name of a node that pods still carry. Source:
// kubernetes-api.md section 21 (Node); taint based eviction of Kubernetes.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "control/core/taints.h"
#include "kube/object.h"

namespace nacelle::control::node_lifecycle {

struct Options {
  Duration grace = 40s;
  // Tolerations of the taints not-ready and unreachable that end, end no later than this.
  std::optional<Duration> longest_toleration;
  // Pods of a node that was never seen are left alone for this long.
  Duration quarantine = 40s;
};

enum class Readiness : std::uint8_t { kNone, kTrue, kFalse, kUnknown };  // kNone: never said

struct NodeSeen {
  std::string name;
  Readiness ready = Readiness::kNone;
  std::vector<Taint> taints;
  bool cordoned = false;
  bool low_memory = false;
  bool low_disk = false;
};
[[nodiscard]] NodeSeen node_seen(const kube::Json& node);

struct PodSeen {
  kube::ObjectKey key;
  std::string uid;
  std::string node;
  std::vector<Toleration> tolerations;
  bool ready = false;
  bool deleting = false;
  bool finished = false;
};
[[nodiscard]] PodSeen pod_seen(const kube::Json& pod);

struct Memory {
  struct Node {
    TimePoint heard{};
    std::string beat;                       // the last one
    bool exists = false;                    // its object, at the last decision
    std::map<Taint, TimePoint> no_execute;  // since when
  };
  std::map<std::string, Node> nodes;
  std::map<std::string, TimePoint> absent;  // pods name it: may be removed from then on
};

// A heartbeat as it stands now; the same text again is none.
void heard(Memory& memory, const std::string& node, const std::string& beat, TimePoint now);

struct SetUnknown {
  std::string node;
};
// Those of our keys, all of them; taints of others stay.
struct SetTaints {
  std::string node;
  std::vector<Taint> taints;
};
struct SetPodNotReady {
  kube::ObjectKey pod;
  std::string uid, node;
};
struct Evict {
  kube::ObjectKey pod;
  std::string uid, node, taint;
};
struct RemovePod {
  kube::ObjectKey pod;
  std::string uid, node;
};
using Action = std::variant<SetUnknown, SetTaints, SetPodNotReady, Evict, RemovePod>;

struct Decision {
  std::vector<Action> actions;
  std::optional<TimePoint> look_again;
};

[[nodiscard]] Decision decide(std::span<const NodeSeen> nodes, std::span<const PodSeen> pods,
                              Memory& memory, TimePoint now, const Options& options);

// Whether a taint's key is one that decide() sets and takes away.
[[nodiscard]] bool is_ours(std::string_view taint_key);

}  // namespace nacelle::control::node_lifecycle
