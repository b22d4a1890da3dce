// pod_runner.h: one pod on this node: carries out what decide() says, and reports.
//
//   desired pod ─► update() ─┐                       ┌─► containers (through their shims)
//   probes, exits, timers ───┴─► decide() ─► actions ┼─► volumes, address, devices
//                                    │               └─► probes and hooks
//                                    └─► status, events, record on disk
//
// Home:    the agent's loop. stop() before destruction.
// Errors:  whatever goes wrong becomes the pod's status or an event; nothing is thrown away.
// Bounds:  one task per container, probe and hook under way; the newest status only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/event.h"
#include "async/task_scope.h"
#include "control/core/address_pool.h"
#include "control/core/device_pool.h"
#include "control/core/pod/decide.h"
#include "control/core/pod/pod_events.h"
#include "control/local/child_process.h"
#include "control/local/node/cgroup.h"
#include "control/local/node/container_planner.h"
#include "control/local/node/node_config.h"
#include "control/local/node/pod_api.h"
#include "control/local/node/pod_folder.h"
#include "control/local/node/probe_runner.h"
#include "control/local/node/usage_meter.h"

namespace nacelle::control::node {

// What the pods of a node share. Outlives them.
struct NodeShared {
  async::Loop& loop;
  NodeConfig config;
  PodApi& api;
  const NodeInputs& inputs;
  MountMode mount_mode = MountMode::kTranslate;
  std::optional<CgroupRoot> cgroups;
  AddressPool addresses;
  DevicePool devices;
  ProbeRunner probes;
  pod::Resources allocatable;
  std::string boot;  // id of this boot of the machine
};

class PodRunner : public std::enable_shared_from_this<PodRunner> {
 public:
  // `finished` is called from a turn of its own when the pod is gone: released, its object removed.
  PodRunner(NodeShared& node, pod::Json object, pod::PodSpec spec,
            std::function<void(PodRunner&)> finished);
  ~PodRunner();

  // Takes up a pod that an earlier agent left; false when its record cannot be used.
  [[nodiscard]] Status restore(const pod::Json& record);
  void start();

  // The object changed: labels, deletion.
  void update(pod::Json object, pod::PodSpec spec);
  void request_deletion(Duration grace);
  void fail(std::string_view reason, std::string_view message, Duration grace);
  // A config map, secret or claim changed somewhere.
  void inputs_changed();

  // Ends our tasks and leaves the processes alone: what a restart of the agent does.
  [[nodiscard]] async::Task<void> stop();
  // stop(), and the processes are killed at once without a word to the API: what the loss of a node
  // does.
  [[nodiscard]] async::Task<void> kill();

  [[nodiscard]] const PodKey& key() const { return key_; }
  [[nodiscard]] const pod::PodSpec& spec() const { return spec_; }
  [[nodiscard]] const pod::PodState& state() const { return state_; }
  [[nodiscard]] const std::string& pod_ip() const { return place_.pod_ip; }
  [[nodiscard]] const PodFolder& folder() const { return folder_; }
  // Counts against the node until nothing of it runs any more.
  [[nodiscard]] bool holds_resources() const { return state_.release != pod::StepPhase::kDone; }
  // Those whose processes are there now.
  [[nodiscard]] std::vector<RunningContainer> running() const;
  // The API has the newest status.
  [[nodiscard]] bool is_told() const { return status_ == written_; }

 private:
  struct Run {  // of a container
    std::unique_ptr<ChildProcess> shim;
    std::uint32_t attempt = 0;
    pid_t pid = 0;
    std::uint64_t pid_started = 0;
  };

  // pod_runner.cc
  async::Task<void> run();
  void step();
  void act(const pod::Action& action);
  void publish();
  void save();
  async::Task<void> write_statuses();
  // Returns when the newest status should be written.
  async::Task<void> gather_status();
  async::Task<void> remove_object();
  void set_up();
  void release();
  [[nodiscard]] pod::Instant now() const;
  // pod_containers.cc
  async::Task<void> start_container(std::size_t index, std::uint32_t attempt);
  async::Task<void> watch(std::size_t index, std::uint32_t attempt);
  async::Task<void> run_probe(std::size_t index, std::uint32_t attempt, pod::ProbeKind kind);
  async::Task<void> run_post_start(std::size_t index, std::uint32_t attempt);
  async::Task<void> run_pre_stop(std::size_t index, std::uint32_t attempt, Duration limit);
  void send_signal(std::size_t index, std::uint32_t attempt, int number);
  Result<std::vector<std::string>> devices_of(std::size_t index);
  std::shared_ptr<ProbeJob> job_of(std::size_t index, std::uint32_t attempt) const;
  pod::Exit exit_of(std::size_t index, std::uint32_t attempt) const;
  void adopt(std::size_t index);

  NodeShared& node_;
  pod::Json object_;
  pod::PodSpec spec_;
  PodKey key_;
  PodFolder folder_;
  std::function<void(PodRunner&)> finished_;
  pod::PodState state_;
  pod::PodPlace place_;
  VolumePaths volumes_;
  std::map<std::size_t, Run> runs_;
  // Container, resource, numbers: as given by the node's pool.
  std::map<std::string, std::map<std::string, std::vector<int>>> devices_;
  async::StopScope scope_;
  async::Event changed_;
  async::Event status_changed_;
  pod::Json status_;        // newest
  pod::Json written_;       // as the API has it
  std::string saved_;       // record on disk
  TimePoint refresh_at_{};  // volumes of files
  std::optional<TimePoint> wake_;
};

}  // namespace nacelle::control::node
