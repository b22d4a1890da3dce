// node_controller.h: marks lost nodes, taints, evicts, and removes what deleted nodes leave, as
// control/core/node_lifecycle says.
//
// Home:    the client's loop. stop() before destruction.
// Errors:  none leave: what the API refuses because the object changed is decided anew; an API that
//          cannot be reached is tried again after kTryAgain.
// Bounds:  one write at a time; pods are looked at only while a node is not well.
#pragma once

#include <set>
#include <string>

#include "async/event.h"
#include "async/task_scope.h"
#include "control/core/node_lifecycle/node_lifecycle.h"
#include "control/kube/node/event_recorder.h"
#include "kube/client.h"
#include "kube/informer.h"

namespace nacelle::control::node {

class NodeController {
 public:
  static constexpr Duration kTryAgain = 1s;

  // All outlive the controller. The owner of the informers tells of their changes.
  NodeController(kube::Client& client, const kube::Informer& nodes, const kube::Informer& pods,
                 node_lifecycle::Options options);

  void start();
  [[nodiscard]] async::Task<void> stop();

  void nodes_changed(std::span<const kube::ObjectChange> changes);
  void pods_changed(std::span<const kube::ObjectChange> changes);

 private:
  async::Task<void> run();
  [[nodiscard]] async::Task<Status> round(std::optional<TimePoint>* look_again);
  // All ways to say no but "later" count as done: the next round decides from what is then.
  [[nodiscard]] async::Task<Status> apply(const node_lifecycle::Action* action);
  [[nodiscard]] async::Task<Result<kube::Answer>> set_unknown(std::string node);
  [[nodiscard]] async::Task<Result<kube::Answer>> set_taints(node_lifecycle::SetTaints wanted);
  [[nodiscard]] async::Task<Result<kube::Answer>> set_not_ready(node_lifecycle::SetPodNotReady pod);
  [[nodiscard]] async::Task<Result<kube::Answer>> evict(node_lifecycle::Evict pod);
  [[nodiscard]] async::Task<Result<kube::Answer>> remove(node_lifecycle::RemovePod pod);
  [[nodiscard]] async::Task<Result<kube::Answer>> write_pod_status(
      kube::ObjectKey key, std::string uid, std::function<void(kube::Json& status)> change);
  void tell_node(const std::string& node, const char* reason, std::string message);
  void tell_pod(const kube::ObjectKey& key, const std::string& uid, const char* reason,
                std::string message);

  kube::Client& client_;
  const kube::Informer& nodes_;
  const kube::Informer& pods_;
  kube::Informer leases_;
  const node_lifecycle::Options options_;
  EventRecorder events_;
  node_lifecycle::Memory memory_;
  std::set<std::string> evicted_;  // uids of pods that the informer does not show as deleted yet
  bool all_well_ =
      false;  // every node was ready without a taint NoExecute, every pod's node exists
  async::Event changed_;
  async::StopScope scope_;
  bool told_failure_ = false;
};

}  // namespace nacelle::control::node
