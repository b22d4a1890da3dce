// objective_table.h: what objectives and rewrites of one pool say about a request.
//
// An ObjectiveTable is immutable and answers by hash look-up; the store holds the current one and
// is where a file reload or a watch of the API server puts the next.
//
// Home:    ObjectiveTable: a value, any thread. ObjectiveStore: thread-safe.
// Source:  router.md sections 4 (steps 2 to 5), 13.2 and 13.3.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "router/objective/inference_objective.h"

namespace nacelle::router::objective {

// The pool a table is made for. Empty fields accept all objects.
struct PoolId {
  std::string name_space;
  std::string name;
};

class ObjectiveTable {
 public:
  ObjectiveTable() = default;
  // Keeps what belongs to `pool`.
  explicit ObjectiveTable(const ObjectiveSet& objects, const PoolId& pool = {});

  // 0 for an unknown or empty name.
  [[nodiscard]] int priority_of(std::string_view objective) const;
  // All that occur, each once.
  [[nodiscard]] const std::vector<int>& priorities() const { return priorities_; }

  struct Rewrite {
    std::string_view rewrite;  // name of the InferenceModelRewrite; both views live with the table
    std::string_view target;
  };
  // The rule for this model: exact before generic, then the oldest object, then the order of the
  // list. Its target is drawn by weight with `random`; uniformly when no target has one.
  [[nodiscard]] std::optional<Rewrite> rewrite_of(std::string_view model,
                                                  std::uint64_t random) const;

 private:
  struct Rule {
    std::string rewrite;
    std::vector<std::string> targets;
    std::vector<std::uint64_t> upper;  // cumulative weights
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view v) const { return std::hash<std::string_view>()(v); }
  };
  template <class V>
  using ByName = std::unordered_map<std::string, V, Hash, std::equal_to<>>;

  ByName<int> by_objective_;
  std::vector<int> priorities_;
  std::vector<Rule> rules_;
  ByName<std::size_t> exact_;  // model to its best rule
  std::optional<std::size_t> generic_;
};

using ObjectiveTablePtr = std::shared_ptr<const ObjectiveTable>;

class ObjectiveStore {
 public:
  [[nodiscard]] ObjectiveTablePtr get() const {
    std::lock_guard lock(mutex_);
    return table_;
  }
  void publish(ObjectiveTable table) {
    auto next = std::make_shared<const ObjectiveTable>(std::move(table));
    std::lock_guard lock(mutex_);
    table_.swap(next);
  }

 private:
  mutable std::mutex mutex_;  // held for a pointer copy
  ObjectiveTablePtr table_ = std::make_shared<const ObjectiveTable>();
};

}  // namespace nacelle::router::objective
