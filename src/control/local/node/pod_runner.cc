#include "control/local/node/pod_runner.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include "control/core/pod/pod_state_json.h"
#include "control/core/pod/pod_status.h"
#include "telemetry/log.h"

namespace nacelle::control::node {
namespace {

namespace log = telemetry::log;

// How often files of config maps and secrets are brought up to date without a change that is known.
constexpr Duration kRefreshEvery = 60s;
// How long a status that says nothing of readiness waits for what follows it: a container that
// starts tells of several steps, and whoever waits for the last one waits for the writes before it.
constexpr Duration kGatherStatus = 10ms;
// Between two tries to reach the API.
constexpr Duration kApiRetry = 1s;

bool has_files(const pod::PodSpec& spec) {
  return std::any_of(spec.volumes.begin(), spec.volumes.end(), [](const pod::Volume& volume) {
    return std::holds_alternative<pod::FilesVolume>(volume.source);
  });
}

}  // namespace

PodRunner::PodRunner(NodeShared& node, pod::Json object, pod::PodSpec spec,
                     std::function<void(PodRunner&)> finished)
    : node_(node),
      object_(std::move(object)),
      spec_(std::move(spec)),
      key_{spec_.name_space, spec_.name, spec_.uid},
      folder_(node.config.folder, spec_.uid),
      finished_(std::move(finished)),
      place_{"", node.config.host_ip, node.config.name, node.allocatable},
      scope_(node.loop),
      changed_(node.loop),
      status_changed_(node.loop) {
  state_ = new_state(spec_, now());
}

PodRunner::~PodRunner() = default;

pod::Instant PodRunner::now() const {
  return {std::chrono::steady_clock::now(), std::chrono::system_clock::now()};
}

Status PodRunner::restore(const pod::Json& record) {
  if (!record.contains("state")) return data_loss("the record has no state");
  ASSIGN_OR_RETURN(state_, state_from_json(record["state"], spec_, now()));
  recovered(state_, now());
  Status error;
  const pod::Fields fields(record, "record", error);
  place_.pod_ip = fields.text("podIP");
  if (!place_.pod_ip.empty() && !spec_.host_network && holds_resources() &&
      !node_.addresses.restore(spec_.uid, place_.pod_ip)) {
    return data_loss("address {} is another pod's", place_.pod_ip);
  }
  for (const pod::Fields& item : fields.items("devices")) {
    const std::string container = item.text("container");
    const std::string resource = item.text("resource");
    const int device = static_cast<int>(item.number("device", 0, 0, 1 << 20));
    if (node_.devices.restore(spec_.uid + "/" + container, resource, device)) {
      devices_[container][resource].push_back(device);
    }
  }
  if (state_.setup == pod::StepPhase::kDone && holds_resources()) {
    // The folders are there; this finds them again.
    Result<VolumePaths> paths = make_volumes(spec_, place_, node_.inputs, folder_.path());
    if (paths.ok()) {
      volumes_ = std::move(*paths);
    } else {
      log::warn("volumes of a pod cannot be found again",
                {{"pod", key_.to_string()}, {"why", paths.error()}});
    }
  }
  for (std::size_t i = 0; i < state_.containers.size(); ++i) {
    if (state_.containers[i].up()) adopt(i);
  }
  return error;
}

void PodRunner::start() {
  scope_.spawn(run());
  scope_.spawn(write_statuses());
}

void PodRunner::update(pod::Json object, pod::PodSpec spec) {
  if (spec.containers.size() != spec_.containers.size() || spec.num_init != spec_.num_init) return;
  object_ = std::move(object);
  spec_ = std::move(spec);
  if (spec_.deleting) request_deletion(spec_.deletion_grace.value_or(spec_.grace));
  refresh_at_ = {};  // labels and annotations may be files
  // Somebody else wrote our part, as the controller of lost nodes does: it is told again. When it
  // is only an older one of ours that comes late, nothing is written.
  if (status_ == written_ &&
      pod::changes_readiness(object_.value("status", pod::Json()), status_)) {
    written_ = nullptr;
    status_changed_.set();
  }
  changed_.set();
}

void PodRunner::request_deletion(Duration grace) {
  pod::deletion_requested(spec_, state_, grace, now());
  changed_.set();
}

void PodRunner::fail(std::string_view reason, std::string_view message, Duration grace) {
  pod::fail_pod(state_, reason, message, grace, now());
  changed_.set();
}

void PodRunner::inputs_changed() {
  const TimePoint current = now().at;
  state_.setup_retry_at = std::min(state_.setup_retry_at, current);
  for (pod::ContainerState& container : state_.containers) {
    if (container.waiting_reason == "CreateContainerConfigError") {
      container.retry_at = std::min(container.retry_at, current);
    }
  }
  refresh_at_ = {};
  changed_.set();
}

async::Task<void> PodRunner::stop() {
  scope_.stop();
  scope_.cancel();
  co_await scope_.join();
}

async::Task<void> PodRunner::kill() {
  co_await stop();
  kill_left_over(folder_, node_.boot);  // a start that was under way, too
  for (auto& [index, run] : runs_) {
    signal_process(run.pid, run.pid_started, SIGKILL, true);
    (void)co_await run.shim->wait();
  }
}

async::Task<void> PodRunner::run() {
  while (!scope_.stop_requested()) {
    changed_.reset();
    step();
    if (state_.remove == pod::StepPhase::kDone) {
      folder_.remove();
      node_.loop.post([self = weak_from_this()] {
        if (const std::shared_ptr<PodRunner> runner = self.lock()) runner->finished_(*runner);
      });
      co_return;
    }
    (void)co_await changed_.wait(wake_.value_or(async::kNoDeadline));
  }
}

void PodRunner::step() {
  while (true) {
    pod::Decision next = decide(spec_, std::move(state_), now());
    state_ = std::move(next.state);
    wake_ = next.wake;
    if (next.actions.empty()) break;
    for (const pod::Action& action : next.actions) act(action);
  }
  if (state_.setup == pod::StepPhase::kDone && holds_resources() && has_files(spec_)) {
    const TimePoint current = now().at;
    if (current >= refresh_at_) {
      refresh_at_ = current + kRefreshEvery;
      const Status refreshed = refresh_volumes(spec_, place_, node_.inputs, folder_.path());
      if (!refreshed.ok()) state_.tell(true, "FailedMount", refreshed.message());
    }
    wake_ = std::min(wake_.value_or(TimePoint::max()), refresh_at_);
  }
  for (const pod::PodEvent& event : std::exchange(state_.events, {})) {
    log::info("pod event",
              {{"pod", key_.to_string()}, {"reason", event.reason}, {"message", event.message}});
    node_.api.record(key_, event);
  }
  save();
  publish();
}

void PodRunner::act(const pod::Action& action) {
  if (std::holds_alternative<pod::SetUp>(action)) return set_up();
  if (std::holds_alternative<pod::Release>(action)) return release();
  if (std::holds_alternative<pod::RemoveObject>(action)) return scope_.spawn(remove_object());
  if (const auto* start = std::get_if<pod::StartContainer>(&action)) {
    return scope_.spawn(start_container(start->index, start->attempt));
  }
  if (const auto* hook = std::get_if<pod::RunPostStart>(&action)) {
    return scope_.spawn(run_post_start(hook->index, hook->attempt));
  }
  if (const auto* hook = std::get_if<pod::RunPreStop>(&action)) {
    return scope_.spawn(run_pre_stop(hook->index, hook->attempt, hook->limit));
  }
  if (const auto* signal = std::get_if<pod::Signal>(&action)) {
    return send_signal(signal->index, signal->attempt, signal->number);
  }
  const auto& probe = std::get<pod::RunProbe>(action);
  scope_.spawn(run_probe(probe.index, probe.attempt, probe.kind));
}

void PodRunner::set_up() {
  if (spec_.host_network) {
    place_.pod_ip = node_.config.host_ip;
  } else {
    Result<std::string> address = node_.addresses.allocate(spec_.uid);
    if (!address.ok()) return setup_failed(state_, address.error().message(), now());
    place_.pod_ip = std::move(*address);
  }
  Result<VolumePaths> paths = make_volumes(spec_, place_, node_.inputs, folder_.path());
  if (!paths.ok()) return setup_failed(state_, paths.error().message(), now());
  volumes_ = std::move(*paths);
  refresh_at_ = now().at + kRefreshEvery;
  setup_done(state_);
}

void PodRunner::release() {
  remove_volumes(spec_, folder_.path());
  if (node_.cgroups) node_.cgroups->remove(spec_.uid);
  for (const auto& [container, devices] : devices_) {
    node_.devices.release(spec_.uid + "/" + container);
  }
  devices_.clear();
  node_.addresses.release(spec_.uid);
  release_done(state_);
}

void PodRunner::save() {
  pod::Json devices = pod::Json::array();
  for (const auto& [container, resources] : devices_) {
    for (const auto& [resource, numbers] : resources) {
      for (const int device : numbers) {
        devices.push_back({{"container", container}, {"resource", resource}, {"device", device}});
      }
    }
  }
  pod::Json record = {{"object", object_},
                      {"podIP", place_.pod_ip},
                      {"devices", std::move(devices)},
                      {"state", state_to_json(state_, now())}};
  std::string digest =
      state_digest(state_) + record["podIP"].dump() + record["devices"].dump() +
      std::string(
          pod::shown(object_.value("metadata", pod::Json()).value("resourceVersion", pod::Json())));
  if (digest == saved_) return;
  if (const Status saved = folder_.save(record); !saved.ok()) {
    log::error("a pod's record cannot be written", {{"pod", key_.to_string()}, {"why", saved}});
    return;
  }
  saved_ = std::move(digest);
}

void PodRunner::publish() {
  const pod::Json* conditions = nullptr;
  if (const auto status = object_.find("status"); status != object_.end() && status->is_object()) {
    if (const auto list = status->find("conditions"); list != status->end()) conditions = &*list;
  }
  pod::Json status =
      pod_status(spec_, state_, {node_.config.host_ip, place_.pod_ip, conditions}, now().wall);
  if (status == status_) return;
  status_ = std::move(status);
  status_changed_.set();
}

async::Task<void> PodRunner::gather_status() {
  const TimePoint until = now().at + kGatherStatus;
  while (!scope_.stop_requested() && !pod::changes_readiness(written_, status_)) {
    status_changed_.reset();
    const Status changed = co_await status_changed_.wait(until);
    if (!changed.ok()) co_return;
  }
}

async::Task<void> PodRunner::write_statuses() {
  while (!scope_.stop_requested()) {
    (void)co_await status_changed_.wait();
    status_changed_.reset();
    while (!scope_.stop_requested() && status_ != written_) {
      co_await gather_status();
      if (scope_.stop_requested()) co_return;
      pod::Json status = status_;
      const Status written = co_await node_.api.write_status(key_, status);
      if (written.ok() || written.code() == Code::kNotFound) {
        written_ = std::move(status);
        continue;
      }
      if (written.code() != Code::kCancelled) {  // else we are stopping
        log::warn("a pod's status cannot be written",
                  {{"pod", key_.to_string()}, {"why", written}});
      }
      if (const bool slept = co_await scope_.sleep(kApiRetry); !slept) co_return;
    }
  }
}

async::Task<void> PodRunner::remove_object() {
  while (!scope_.stop_requested()) {
    if (status_ != written_) {
      pod::Json status = status_;
      const Status written = co_await node_.api.write_status(key_, status);
      if (written.ok()) written_ = std::move(status);
    }
    const Status removed = co_await node_.api.remove(key_);
    if (removed.ok() || removed.code() == Code::kNotFound) break;
    log::warn("a pod cannot be removed", {{"pod", key_.to_string()}, {"why", removed}});
    if (const bool slept = co_await scope_.sleep(kApiRetry); !slept) co_return;
  }
  if (scope_.stop_requested()) co_return;
  remove_done(state_);
  changed_.set();
}

}  // namespace nacelle::control::node
