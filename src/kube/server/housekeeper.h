// housekeeper.h: what the API server does by itself: garbage collection, the end of namespaces and
// of CRDs, what every namespace has, old events.
//
// It reads one feed of all changes, keeps a graph of owners, and acts on what the pure rules say
// (collector_rules.h). Level by level: what is not done in one round is done in the next.
//
// Home:    one loop.
// Bounds:  one node of the graph per object.
// Source:  kubernetes-api.md sections 14, 18.1, 20 (retention), 21 (default ServiceAccount).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "async/task_scope.h"
#include "kube/server/collector_rules.h"
#include "kube/server/state.h"
#include "kube/server/writing.h"

namespace nacelle::kube::server {

class Housekeeper {
 public:
  Housekeeper(State& state, async::Loop& loop) : state_(state), loop_(loop), scope_(loop) {}

  // On the loop.
  void start() { scope_.spawn(run()); }
  [[nodiscard]] async::Task<void> stop();

  static constexpr std::int64_t kEventSeconds = 3600;

 private:
  [[nodiscard]] async::Task<void> run();
  // Reads everything; the feed begins there.
  void load();
  void note(const Change& change);

  [[nodiscard]] async::Task<void> round();
  [[nodiscard]] async::Task<void> collect_garbage();
  [[nodiscard]] async::Task<void> end_namespaces();
  [[nodiscard]] async::Task<void> end_crds();
  [[nodiscard]] async::Task<void> furnish_namespaces();
  [[nodiscard]] async::Task<void> expire_events();

  [[nodiscard]] async::Task<void> act(const CollectorAction& action,
                                      const std::vector<GraphNode>& nodes);
  [[nodiscard]] async::Task<void> remove(std::string collection, ObjectKey key, std::string uid,
                                         std::string policy);
  [[nodiscard]] async::Task<void> make(std::string collection, ObjectKey key, Json object);
  // Null when the kind is not served any more: then its objects are left alone.
  [[nodiscard]] std::unique_ptr<Call> call_for(const std::string& collection, const ObjectKey& key);

  State& state_;
  async::Loop& loop_;
  async::StopScope scope_;
  std::map<std::pair<std::string, ObjectKey>, GraphNode> graph_;
  std::uint64_t position_ = 0;
  bool graph_changed_ = true;
  bool namespaces_changed_ = true;
  TimePoint next_expiry_{};
};

}  // namespace nacelle::kube::server
