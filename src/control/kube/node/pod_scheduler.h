// pod_scheduler.h: binds pods to nodes, as control/core/scheduler says.
//
// Rounds: what waits is placed in the order of its priority and age against the nodes as they are
// known, bound one after the other; what finds no node says why in its condition PodScheduled and
// in an event. A round begins when a pod comes, when one leaves its node, or when a node or a claim
// changes in a way that matters.
//
// Home:    the client's loop. stop() before destruction.
// Errors:  none leave: a binding that meets a conflict is left to the watch, an API that cannot be
//          reached is tried again after kTryAgain.
// Bounds:  one binding at a time.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "async/event.h"
#include "async/task_scope.h"
#include "control/core/scheduler/place.h"
#include "control/kube/node/event_recorder.h"
#include "control/kube/node/kube_inputs.h"
#include "kube/client.h"
#include "kube/informer.h"

namespace nacelle::control::node {

class PodScheduler {
 public:
  static constexpr Duration kTryAgain = 1s;
  static constexpr const char* kName = "default-scheduler";

  // All outlive the scheduler. The owner of the informers tells of their changes.
  PodScheduler(kube::Client& client, KubeInputs& inputs, const kube::Informer& nodes,
               const kube::Informer& pods);

  void start();
  [[nodiscard]] async::Task<void> stop();

  void pods_changed(std::span<const kube::ObjectChange> changes);
  void nodes_changed(std::span<const kube::ObjectChange> changes);

 private:
  async::Task<void> run();
  [[nodiscard]] async::Task<Status> round();
  [[nodiscard]] std::vector<scheduler::NodeOffer> offers();
  [[nodiscard]] std::vector<scheduler::PodDemand> waiting();
  [[nodiscard]] std::shared_ptr<const scheduler::PodDemand> load_of(const kube::Json& pod);
  // False: the API will not have it, since the pod went or someone else bound it; the watch tells.
  [[nodiscard]] async::Task<Result<bool>> bind(const scheduler::PodDemand* pod, std::string node);
  // Tells the claims which node is to have their volumes; the pod is bound once they are there.
  [[nodiscard]] async::Task<Status> place_claims(const scheduler::PodDemand* pod, std::string node);
  [[nodiscard]] async::Task<Status> tell_unschedulable(kube::ObjectKey key, std::string why);
  void tell(const kube::ObjectKey& key, const std::string& uid, bool warning, const char* reason,
            std::string message);

  kube::Client& client_;
  const kube::Informer& nodes_;
  const kube::Informer& pods_;
  KubeInputs& inputs_;
  kube::Informer classes_;
  EventRecorder events_;
  std::shared_ptr<void> listening_;
  std::set<kube::ObjectKey> pending_;  // wait for a node
  // What pods take of their nodes, by uid; read again when their labels change.
  std::map<std::string, std::shared_ptr<const scheduler::PodDemand>> loads_;
  std::map<std::string, std::string> assumed_;  // uid to node: bound, but not yet seen so
  async::Event changed_;
  async::StopScope scope_;
  bool told_failure_ = false;
};

}  // namespace nacelle::control::node
