// controller.h: calls a function for each key that something happened to, until it succeeds.
//
// Level, not edge: the function reads everything it needs and brings it to what is wanted; which
// event woke it does not matter. A key is worked on by one worker at a time; a failure is tried
// again with growing waits (kube/work_queue_state.h) and logged when it is new.
//
//   Informer pods(client, {...}, [&](std::span<const ObjectChange> changes) {
//     for (const ObjectChange& change : changes) controller.add(change.key);
//   });
//
// Home:    one loop. The function is called on it.
// Errors:  those of the function, which only mean: later again.
// Bounds:  options.workers calls at a time; one entry per key.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "async/task_scope.h"
#include "base/result.h"
#include "kube/controller_metrics.h"
#include "kube/object.h"
#include "kube/work_queue.h"

namespace nacelle::kube {

struct Reconciled {
  std::optional<Duration> again_after;  // look again then, whatever happens
};

struct ControllerOptions {
  std::string name;  // of logs and metrics
  int workers = 1;
  RateLimits limits;
};

class Controller {
 public:
  // Not a capturing lambda that is a coroutine: capture in a plain lambda that calls one.
  using Reconcile = std::function<async::Task<Result<Reconciled>>(ObjectKey key)>;

  // `metrics` may be null and outlives the controller.
  Controller(async::Loop& loop, ControllerOptions options, Reconcile reconcile,
             ControllerMetrics* metrics = nullptr);

  void add(const ObjectKey& key);
  void add_after(const ObjectKey& key, Duration wait);

  void start();
  // Ends the calls that run at their next wait. Await before destruction.
  [[nodiscard]] async::Task<void> stop();

  // Nothing is ready and nothing runs; keys may wait for their time.
  [[nodiscard]] bool idle() const {
    return queue_.state().num_ready() == 0 && queue_.state().num_processing() == 0;
  }

 private:
  async::Task<void> work();
  void settle(const ObjectKey& key, const Result<Reconciled>& result);

  const ControllerOptions options_;
  const Reconcile reconcile_;
  ControllerMetrics* const metrics_;
  WorkQueue<ObjectKey> queue_;
  std::map<ObjectKey, std::string> told_;  // the failure of a key that was logged last
  async::StopScope scope_;
};

}  // namespace nacelle::kube
