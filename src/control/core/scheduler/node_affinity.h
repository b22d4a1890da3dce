// node_affinity.h: which nodes a selector of a pod or of a volume means.
//
// Terms are alternatives; the expressions of one term must all hold. No term at all matches
// nothing, and so does a term without expressions, as the API has it.
//
// Home:    pure.
// Errors:  an operator that nobody knows, or a bound that is no number, matches nothing.
// Source:  k8s.io/api/core/v1 NodeSelector.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "control/core/pod/fields.h"
#include "kube/object.h"

namespace nacelle::control::scheduler {

struct NodeExpression {
  std::string key;
  std::string op;  // In, NotIn, Exists, DoesNotExist, Gt, Lt
  std::vector<std::string> values;
};

struct NodeTerm {
  std::vector<NodeExpression> labels;
  std::vector<NodeExpression> fields;  // metadata.name only
};

// A list of expressions, also of labels of pods.
[[nodiscard]] std::vector<NodeExpression> node_expressions(const kube::Json& list);
// For the value of the expression's key; null: there is none.
[[nodiscard]] bool holds(const NodeExpression& expression, const std::string* value);

using NodeTerms = std::vector<NodeTerm>;

// A NodeSelector object: {"nodeSelectorTerms": [...]}.
[[nodiscard]] NodeTerms node_terms(const kube::Json& selector);
// One of its terms, as preferences hold them.
[[nodiscard]] NodeTerm node_term(const kube::Json& term);

[[nodiscard]] bool matches(const NodeTerm& term, std::string_view name,
                           const pod::StringMap& labels);
[[nodiscard]] bool matches(const NodeTerms& terms, std::string_view name,
                           const pod::StringMap& labels);

}  // namespace nacelle::control::scheduler
