// kube_node.h: one node of this machine as a member of a cluster: a node agent and its API.
//
//   Node object, heartbeats ──► API ──► pods with spec.nodeName ──► agent ──► statuses, events ──►
//   API
//                                  └──► its own Node: kStoppedAnnotation ──► lose(), come_back()
//
// The Node registers with the taint not-ready, which the controller of nodes takes away when the
// node says that it is ready. A Node that somebody deleted registers again, unless it is lost. What
// others write to the Node (labels, taints, cordon) stays.
//
// Home:    the client's loop. stop() before destruction.
// Errors:  create(): NodeAgent::create's. start(): the API's answer to the registration.
// Bounds:  those of the agent; one heartbeat at a time.
// Source:  kubernetes-api.md sections 20 (heartbeat) and 21 (Node).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "async/event.h"
#include "async/task_scope.h"
#include "control/kube/node/event_recorder.h"
#include "control/kube/node/kube_inputs.h"
#include "control/kube/node/node_logs.h"
#include "control/kube/node/pod_writer.h"
#include "control/local/node/node_agent.h"
#include "kube/client.h"
#include "kube/informer.h"

namespace nacelle::control::node {

class KubeNode {
 public:
  // `inputs` are synced and outlive the node; so does the client. `grace` is how long a silent node
  // counts as alive: it beats four times as often. A node that was stopped begins lost: nothing of
  // it runs or speaks.
  [[nodiscard]] static async::Task<Result<std::unique_ptr<KubeNode>>> create(kube::Client& client,
                                                                             KubeInputs& inputs,
                                                                             NodeConfig config,
                                                                             Duration grace);
  ~KubeNode();

  // Registers the node, then takes pods. stop() is due also after an error.
  [[nodiscard]] async::Task<Status> start();
  [[nodiscard]] async::Task<void> stop(NodeAgent::Stop how);

  // What the annotation does, and until it changes.
  [[nodiscard]] async::Task<void> lose();
  void come_back();

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] NodeAgent& agent() { return *agent_; }

  // For logs; by the pod's name, not_found when it is not here.
  [[nodiscard]] Result<LogSource::Opened> open_log(const kube::PodLogQuery& query) const;
  // nullopt: the pod is not here.
  [[nodiscard]] std::optional<bool> log_goes_on(const std::string& uid,
                                                const std::string& container,
                                                std::uint32_t run) const;

  // metrics.k8s.io: of the pods here that are measured ("": of all namespaces), and of all of them
  // together; nullopt while the node is lost.
  [[nodiscard]] std::vector<kube::Json> pod_metrics(const UsageMeter& meter,
                                                    std::string_view name_space) const;
  [[nodiscard]] std::optional<kube::Json> node_metrics(const UsageMeter& meter,
                                                       Duration window) const;

 private:
  KubeNode(kube::Client& client, KubeInputs& inputs, std::string name, Duration grace);

  [[nodiscard]] async::Task<Status> register_node();
  async::Task<void> beat();
  [[nodiscard]] async::Task<Status> renew_lease();
  [[nodiscard]] async::Task<Status> write_status();
  async::Task<void> follow_annotation();

  void pods_changed(std::span<const kube::ObjectChange> changes);
  void node_changed(std::span<const kube::ObjectChange> changes);
  void inputs_changed(const std::vector<std::string>& keys);
  [[nodiscard]] bool wants_status(const kube::Json& status) const;

  kube::Client& client_;
  KubeInputs& inputs_;
  const std::string name_;
  const Duration grace_;
  EventRecorder events_;
  PodWriter writer_;
  std::unique_ptr<NodeAgent> agent_;
  kube::Informer pods_, self_;
  std::shared_ptr<void> listening_;
  async::StopScope scope_;
  async::Event beat_now_;
  async::Event stop_changed_;
  bool listed_ = false;       // the agent has heard of all pods
  bool want_lost_ = false;    // what the annotation says
  bool inputs_told_ = false;  // a turn that tells the agent is on its way
  std::string uid_;           // of the Node object; "": to be registered
  kube::Json status_;         // as written last, without the times of heartbeats
  TimePoint status_written_{};
  bool told_failure_ = false;
};

}  // namespace nacelle::control::node
