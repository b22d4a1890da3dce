// pod_affinity.h: which pods a pod wants near it, which not, and how evenly it wants to be spread.
//
// A domain is the set of nodes with the same value of a label, the topology key of a term. Terms
// that are required keep nodes out; preferred ones give points. Pods that are there already keep
// others out of their domains by their own required terms.
//
// Home:    pure.
// Errors:  a selector with an operator that nobody knows matches nothing.
// Bounds:  O(pods × terms) per placement.
// Source:  k8s.io/api/core/v1 PodAffinityTerm and TopologySpreadConstraint. Of a namespaceSelector
//          only the label kubernetes.io/metadata.name is known here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/core/pod/fields.h"
#include "control/core/scheduler/node_affinity.h"
#include "kube/object.h"

namespace nacelle::control::scheduler {

struct LabelSelector {
  bool nothing = true;  // no selector was given
  pod::StringMap labels;
  std::vector<NodeExpression> expressions;

  [[nodiscard]] bool matches(const pod::StringMap& of) const;
};

struct PodTerm {
  std::string topology_key;
  LabelSelector pods;
  std::vector<std::string> namespaces;  // where they are looked for
  std::optional<LabelSelector> spaces;  // and these: by the namespace's name
  std::int64_t weight = 0;              // of a preference; below zero away from them
};

struct SpreadConstraint {
  std::string topology_key;
  std::int64_t max_skew = 1;
  bool required = true;  // whenUnsatisfiable DoNotSchedule
  LabelSelector pods;    // of the pod's own namespace
};

// What a pod has to say of others, and what others may say of it.
struct PodRelations {
  std::string name_space;
  pod::StringMap labels;
  std::vector<PodTerm> near, apart;  // required
  std::vector<PodTerm> preferred;
  std::vector<SpreadConstraint> spread;

  [[nodiscard]] bool empty() const {
    return near.empty() && apart.empty() && preferred.empty() && spread.empty();
  }
};

[[nodiscard]] PodRelations pod_relations(const kube::Json& pod);

// Whether the term of a pod in `own_namespace` means the other pod.
[[nodiscard]] bool means(const PodTerm& term, const std::string& own_namespace,
                         const PodRelations& other);

}  // namespace nacelle::control::scheduler
