#include "router/objective/objective_table.h"

#include <algorithm>
#include <set>
#include <utility>

namespace nacelle::router::objective {

namespace {

bool belongs(const ObjectName& name, const PoolRef& ref, const PoolId& pool) {
  const bool same_namespace = pool.name_space.empty() || name.name_space == pool.name_space;
  const bool same_pool = pool.name.empty() || ref.name.empty() || ref.name == pool.name;
  const bool is_pool = ref.kind.empty() || ref.kind == "InferencePool";
  return same_namespace && same_pool && is_pool;
}

}  // namespace

ObjectiveTable::ObjectiveTable(const ObjectiveSet& objects, const PoolId& pool) {
  std::set<int> priorities;
  for (const InferenceObjective& objective : objects.objectives) {
    if (!belongs(objective.name, objective.pool, pool)) continue;
    if (by_objective_.emplace(objective.name.name, objective.priority).second) {
      priorities.insert(objective.priority);
    }
  }
  priorities_.assign(priorities.begin(), priorities.end());

  std::vector<const InferenceModelRewrite*> rewrites;
  for (const InferenceModelRewrite& rewrite : objects.rewrites) {
    if (belongs(rewrite.name, rewrite.pool, pool)) rewrites.push_back(&rewrite);
  }
  // Objects of the same second stay in the order they came in.
  std::stable_sort(rewrites.begin(), rewrites.end(),
                   [](const auto* a, const auto* b) { return a->created < b->created; });
  for (const InferenceModelRewrite* rewrite : rewrites) {
    for (const RewriteRule& rule : rewrite->rules) {
      if (rule.targets.empty()) continue;
      Rule& out = rules_.emplace_back();
      out.rewrite = rewrite->name.name;
      std::uint64_t sum = 0;
      for (const RewriteTarget& target : rule.targets) {
        out.targets.push_back(target.model);
        out.upper.push_back(sum += std::max(target.weight.value_or(1), 1U));
      }
      // The first rule that names a model is the best one: that is what the order above is for.
      const std::size_t index = rules_.size() - 1;
      if (rule.models.empty() && !generic_.has_value()) generic_ = index;
      for (const std::string& model : rule.models) exact_.emplace(model, index);
    }
  }
}

int ObjectiveTable::priority_of(std::string_view objective) const {
  const auto found = by_objective_.find(objective);
  return found == by_objective_.end() ? 0 : found->second;
}

std::optional<ObjectiveTable::Rewrite> ObjectiveTable::rewrite_of(std::string_view model,
                                                                  std::uint64_t random) const {
  std::optional<std::size_t> index = generic_;
  if (const auto found = exact_.find(model); found != exact_.end()) index = found->second;
  if (!index.has_value()) return std::nullopt;
  const Rule& rule = rules_[*index];
  const std::uint64_t drawn = random % rule.upper.back();
  const auto chosen = std::upper_bound(rule.upper.begin(), rule.upper.end(), drawn);
  return Rewrite{rule.rewrite, rule.targets[static_cast<std::size_t>(chosen - rule.upper.begin())]};
}

}  // namespace nacelle::router::objective
