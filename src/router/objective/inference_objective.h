// inference_objective.h: the objects that say how much a request matters and which model serves it.
//
// Home:    values.
// Source:  router.md sections 13.2 and 13.3 (groups llm-d.ai and, deprecated,
//          inference.networking.x-k8s.io, both v1alpha2).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace nacelle::router::objective {

struct ObjectName {
  std::string name_space = "default";
  std::string name;
  friend auto operator<=>(const ObjectName&, const ObjectName&) = default;
};

// Which pool an object is for. Empty fields match every pool: a file that serves one pool need not
// name it.
struct PoolRef {
  std::string group;
  std::string kind;
  std::string name;
};

struct InferenceObjective {
  ObjectName name;
  int priority = 0;  // negative: sheddable
  PoolRef pool;
};

struct RewriteTarget {
  std::string model;
  std::optional<std::uint32_t> weight;  // 1..1000000
};

struct RewriteRule {
  std::vector<std::string> models;  // exact names; none: every model (a generic rule)
  std::vector<RewriteTarget> targets;
};

struct InferenceModelRewrite {
  ObjectName name;
  std::string created;  // creationTimestamp, RFC 3339 in UTC: sorts as text
  PoolRef pool;
  std::vector<RewriteRule> rules;
};

struct ObjectiveSet {
  std::vector<InferenceObjective> objectives;
  std::vector<InferenceModelRewrite> rewrites;
};

}  // namespace nacelle::router::objective
