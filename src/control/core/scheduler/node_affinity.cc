#include "control/core/scheduler/node_affinity.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace nacelle::control::scheduler {
namespace {

std::optional<std::int64_t> integer(std::string_view text) {
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

}  // namespace

std::vector<NodeExpression> node_expressions(const kube::Json& list) {
  std::vector<NodeExpression> out;
  for (const kube::Json& one : list) {
    NodeExpression expression;
    expression.key = kube::text_at(one, {"key"});
    expression.op = kube::text_at(one, {"operator"});
    for (const kube::Json& value : kube::list_at(one, {"values"})) {
      if (value.is_string()) expression.values.push_back(value.get<std::string>());
    }
    out.push_back(std::move(expression));
  }
  return out;
}

bool holds(const NodeExpression& expression, const std::string* value) {
  const auto listed = [&] {
    return std::find(expression.values.begin(), expression.values.end(), *value) !=
           expression.values.end();
  };
  if (expression.op == "In") return value != nullptr && listed();
  if (expression.op == "NotIn") return value == nullptr || !listed();
  if (expression.op == "Exists") return value != nullptr;
  if (expression.op == "DoesNotExist") return value == nullptr;
  if (expression.op != "Gt" && expression.op != "Lt") return false;
  if (value == nullptr || expression.values.size() != 1) return false;
  const auto has = integer(*value);
  const auto bound = integer(expression.values.front());
  if (!has || !bound) return false;
  return expression.op == "Gt" ? *has > *bound : *has < *bound;
}

NodeTerm node_term(const kube::Json& term) {
  return {node_expressions(kube::list_at(term, {"matchExpressions"})),
          node_expressions(kube::list_at(term, {"matchFields"}))};
}

NodeTerms node_terms(const kube::Json& selector) {
  NodeTerms out;
  for (const kube::Json& term : kube::list_at(selector, {"nodeSelectorTerms"})) {
    out.push_back(node_term(term));
  }
  return out;
}

bool matches(const NodeTerm& term, std::string_view name, const pod::StringMap& labels) {
  if (term.labels.empty() && term.fields.empty()) return false;
  const std::string own_name(name);
  return std::all_of(term.labels.begin(), term.labels.end(),
                     [&](const NodeExpression& expression) {
                       const auto found = labels.find(expression.key);
                       return holds(expression, found == labels.end() ? nullptr : &found->second);
                     }) &&
         std::all_of(term.fields.begin(), term.fields.end(), [&](const NodeExpression& expression) {
           return expression.key == "metadata.name" && holds(expression, &own_name);
         });
}

bool matches(const NodeTerms& terms, std::string_view name, const pod::StringMap& labels) {
  return std::any_of(terms.begin(), terms.end(),
                     [&](const NodeTerm& term) { return matches(term, name, labels); });
}

}  // namespace nacelle::control::scheduler
