// node_agent.h: one node: runs the pods that are bound to it as processes of this machine.
//
//   auto agent = NodeAgent::create(loop, config, api, inputs);    // takes up what was left running
//   agent->set_pod(object); agent->remove_pod(uid);               // from a watch
//   agent->set_pods(objects);                                     // after a list: the whole truth
//   co_await agent->stop(NodeAgent::Stop::kLeavePods);            // `up` ends, pods go on
//
// Pods outlive the agent: every container runs under a shim with a session of its own
// (container_shim.h), and what the agent knows of a pod lies in its folder. An agent that was
// killed with -9 is followed by one that adopts the shims by pid and start time, hears of exits
// that happened meanwhile from their records, and goes on with probes, back-off and grace periods
// where they stood. Until set_pods() was called once, pods found on disk go on as they are.
//
// Home:    one loop. stop() before destruction.
// Errors:  create(): unavailable when another agent has the folder, invalid_argument for the range.
//          A pod that cannot be read is refused with an event, one that does not fit fails with a
//          reason.
// Bounds:  `pods` of the capacity (110 where nothing is said).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "async/loop.h"
#include "async/task.h"
#include "async/task_scope.h"
#include "base/file_lock.h"
#include "control/core/node/node_object.h"
#include "control/local/node/log_reader.h"
#include "control/local/node/node_config.h"
#include "control/local/node/pod_api.h"
#include "control/local/node/usage_meter.h"

namespace nacelle::control::node {

class PodRunner;
struct NodeShared;

class NodeAgent {
 public:
  [[nodiscard]] static Result<std::unique_ptr<NodeAgent>> create(async::Loop& loop,
                                                                 NodeConfig config, PodApi& api,
                                                                 const NodeInputs& inputs);
  ~NodeAgent();

  // A pod bound to this node, new or changed.
  void set_pod(const pod::Json& object);
  // Its object is gone (deleted with force): what runs of it is killed.
  void remove_pod(const std::string& uid);
  // All pods bound to this node. Others that run here are killed.
  void set_pods(const std::vector<pod::Json>& objects);
  // A config map, secret, claim or service changed.
  void inputs_changed();

  enum class Stop : std::uint8_t { kLeavePods, kEndPods };
  // kEndPods ends every pod within its grace period first, without removing objects.
  [[nodiscard]] async::Task<void> stop(Stop how);

  // The loss of the node, for tests of what depends on it: its processes are killed at once,
  // nothing is told to the API, and heartbeats are silent until come_back().
  [[nodiscard]] async::Task<void> lose();
  void come_back();
  [[nodiscard]] bool lost() const { return lost_; }

  // For the Node object; nullopt while the node is lost: no heartbeat.
  [[nodiscard]] pod::Json object() const;
  [[nodiscard]] std::optional<pod::Json> status() const;
  [[nodiscard]] std::optional<pod::Json> lease() const;

  // The log of a container. Errors are those of `kubectl logs`: not_found for the pod,
  // invalid_argument for the container, failed_precondition for one that waits.
  struct LogRequest {
    std::string uid;
    std::string container;
    bool previous = false;
    LogOptions options;
  };
  [[nodiscard]] Result<LogReader> logs(const LogRequest& request) const;
  // False when what `kubectl logs -f` follows has ended: read once more, then close.
  [[nodiscard]] bool log_goes_on(const std::string& uid, const std::string& container) const;

  // What runs here now, for those who measure it; nothing while the node is lost.
  [[nodiscard]] std::vector<RunningContainer> running() const;

  // uids of the pods that are here.
  [[nodiscard]] std::vector<std::string> pods() const;
  [[nodiscard]] const PodRunner* find(const std::string& uid) const;

 private:
  NodeAgent(async::Loop& loop, std::unique_ptr<NodeShared> shared, FileLock lock);
  Status prepare();
  void restore_pods();
  void restore_pod(const std::string& uid);
  void admit(const pod::PodSpec& spec, PodRunner& runner);
  void forget(PodRunner& runner);
  async::Task<void> remove_ended(PodKey key);
  async::Task<void> end_runner(std::shared_ptr<PodRunner> runner);

  async::Loop& loop_;
  FileLock lock_;
  std::unique_ptr<NodeShared> shared_;
  std::map<std::string, std::shared_ptr<PodRunner>> runners_;  // by uid
  async::StopScope scope_;
  NodeFacts facts_;
  pod::WallTime ready_since_{};
  bool lost_ = false;
  std::map<std::string, pod::Json> while_lost_;  // newest objects of the pods, by uid
  std::set<std::string> gone_while_lost_;        // uids
  bool listed_while_lost_ = false;               // while_lost_ is the whole truth
};

}  // namespace nacelle::control::node
