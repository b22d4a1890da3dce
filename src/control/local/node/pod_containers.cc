#include <charconv>
#include <csignal>
#include <utility>

#include "async/timer.h"
#include "base/file.h"
#include "control/core/pod/probe_pace.h"
#include "control/local/node/container_shim.h"
#include "control/local/node/log_reader.h"
#include "control/local/node/pod_runner.h"
#include "telemetry/log.h"

namespace nacelle::control::node {
namespace {

namespace log = telemetry::log;

constexpr std::size_t kMaxTermination = 4096;
constexpr std::size_t kLastLogBytes = 16 * 1024;
constexpr std::size_t kMaxShimWords = 4096;
// A postStart hook has no limit of its own in Kubernetes; one that hangs would hold the pod
// forever.
constexpr Duration kPostStartLimit = std::chrono::minutes(10);

struct ShimAnswer {
  pid_t pid = 0;
  std::uint64_t started = 0;
};

// "started <pid> <start time>"
std::optional<ShimAnswer> parse_started(std::string_view text) {
  constexpr std::string_view kWord = "started ";
  if (!text.starts_with(kWord)) return std::nullopt;
  text.remove_prefix(kWord.size());
  ShimAnswer out;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out.pid);
  if (error != std::errc() || out.pid <= 1 || end == text.data() + text.size()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  std::from_chars(text.data(), text.data() + text.size(), out.started);
  return out;
}

std::string visible_devices(const std::vector<int>& devices) {
  std::string out;
  for (const int device : devices) out += (out.empty() ? "" : ",") + std::to_string(device);
  return out;
}

std::string container_id(const PodKey& key, const std::string& name, std::uint32_t attempt) {
  return fmt::format("{}-{}-{}", key.uid, name, attempt);
}

}  // namespace

// Accelerators of the container, as the variables that programs know them by.
Result<std::vector<std::string>> PodRunner::devices_of(std::size_t index) {
  const pod::Container& container = spec_.containers[index];
  std::vector<std::string> out;
  for (const auto& [resource, amount] : container.limits) {
    if (resource.find('/') == std::string::npos) continue;
    ASSIGN_OR_RETURN(
        std::vector<int> devices,
        node_.devices.allocate(spec_.uid + "/" + container.name, resource, amount.value()));
    const std::string list = visible_devices(devices);
    devices_[container.name][resource] = std::move(devices);
    if (resource == "nvidia.com/gpu") {
      out.push_back("CUDA_VISIBLE_DEVICES=" + list);
      out.push_back("NVIDIA_VISIBLE_DEVICES=" + list);
    } else if (resource == "amd.com/gpu") {
      out.push_back("ROCR_VISIBLE_DEVICES=" + list);
    }
  }
  return out;
}

async::Task<void> PodRunner::start_container(std::size_t index, std::uint32_t attempt) {
  const std::string name = spec_.containers[index].name;
  const std::filesystem::path folder = folder_.run(name, attempt);
  const auto failed = [&](std::string_view reason, std::string_view message) {
    container_start_failed(spec_, state_, index, attempt, reason, message, now());
    changed_.set();
  };
  Result<std::vector<std::string>> devices = devices_of(index);
  if (!devices.ok()) co_return failed("CreateContainerError", devices.error().message());
  const Status prepared = folder_.prepare_run(name, attempt, state_.containers[index].restarts);
  if (!prepared.ok()) co_return failed("CreateContainerError", prepared.message());
  auto planned =
      plan_container({node_.config, spec_, state_.containers[index], place_, node_.inputs, volumes_,
                      folder_, node_.mount_mode, std::move(*devices)},
                     index);
  if (const auto* failure = std::get_if<StartFailure>(&planned)) {
    co_return failed(failure->reason, failure->message);
  }
  auto& [plan, notes] = std::get<PlannedContainer>(planned);
  if (node_.cgroups) {
    Result<std::filesystem::path> group = node_.cgroups->make(spec_, spec_.containers[index]);
    if (group.ok()) {
      plan.cgroup = group->string();
    } else {
      notes.push_back("runs without limits: " + group.error().message());
    }
  }
  for (const std::string& note : notes) state_.tell(false, "NodeDifference", note, name);
  if (const Status written = plan.write(folder / kPlanFile); !written.ok()) {
    co_return failed("CreateContainerError", written.message());
  }
  ChildProcess::Command command;
  command.argv = node_.config.shim;
  command.argv.emplace_back(kShimCommand);
  command.argv.push_back(folder.string());
  command.error_log_file = folder / "shim.log";
  command.lifetime = ChildProcess::Lifetime::kFree;
  Result<std::unique_ptr<ChildProcess>> shim = ChildProcess::start(node_.loop, command);
  if (!shim.ok()) co_return failed("RunContainerError", shim.error().message());
  const std::string words = co_await (*shim)->read_output(kMaxShimWords);
  if (scope_.stop_requested()) co_return;
  const std::optional<ShimAnswer> answer = parse_started(words);
  if (!answer) {
    (void)co_await (*shim)->wait();
    if (scope_.stop_requested()) co_return;
    co_return failed("RunContainerError", words.starts_with("failed ")
                                              ? std::string_view(words).substr(7)
                                              : "the container's shim ended without a word");
  }
  runs_[index] = {std::move(*shim), attempt, answer->pid, answer->started};
  container_started(spec_, state_, index, attempt, container_id(key_, name, attempt), now());
  changed_.set();
  scope_.spawn(watch(index, attempt));
}

async::Task<void> PodRunner::watch(std::size_t index, std::uint32_t attempt) {
  ChildProcess& shim = *runs_.at(index).shim;
  (void)co_await shim.wait();
  if (scope_.stop_requested()) co_return;
  const pod::Exit exit = exit_of(index, attempt);
  runs_.erase(index);
  container_exited(spec_, state_, index, attempt, exit, now());
  changed_.set();
}

pod::Exit PodRunner::exit_of(std::size_t index, std::uint32_t attempt) const {
  const std::string& name = spec_.containers[index].name;
  pod::Exit out;
  const Result<ExitRecord> record = ExitRecord::read(folder_.run(name, attempt) / kExitFile);
  if (record.ok()) {
    out.code = record->code;
    out.signal = record->signal;
    out.out_of_memory = record->out_of_memory;
  } else {
    out.lost = "the container ended together with the process that watched it, without a record";
  }
  Result<std::string> message = read_file(folder_.termination(name, attempt), 1 << 20);
  if (message.ok() && !message->empty()) {
    if (message->size() > kMaxTermination) message->resize(kMaxTermination);
    out.message = std::move(*message);
  }
  if (out.code != 0 || out.signal != 0) {
    out.last_lines =
        last_log_lines(folder_.log(name, state_.containers[index].restarts), kLastLogBytes);
  }
  return out;
}

// A container that ran when the last agent ended: it still does, or its record says how it ended.
void PodRunner::adopt(std::size_t index) {
  const std::string name = spec_.containers[index].name;
  const std::uint32_t attempt = state_.containers[index].attempt;
  const bool starting = state_.containers[index].phase == pod::RunPhase::kStarting;
  const std::filesystem::path folder = folder_.run(name, attempt);
  const Result<RunRecord> record = RunRecord::read(folder / kRunFile);
  if (!record.ok() && starting) {
    container_start_failed(spec_, state_, index, attempt, "RunContainerError",
                           "the node agent ended while the container was being started", now());
    state_.containers[index].retry_at = now().at;
    return;
  }
  if (starting) {
    container_started(spec_, state_, index, attempt, container_id(key_, name, attempt), now());
  }
  if (record.ok() && record->boot == node_.boot) {
    Result<std::unique_ptr<ChildProcess>> shim =
        ChildProcess::adopt(node_.loop, record->shim, record->shim_started);
    if (shim.ok()) {
      log::info("container taken over",
                {{"pod", key_.to_string()}, {"container", name}, {"pid", record->pid}});
      runs_[index] = {std::move(*shim), attempt, record->pid, record->pid_started};
      scope_.spawn(watch(index, attempt));
      return;
    }
    // A container whose shim was killed dies with it; one that is just doing so is helped.
    signal_process(record->pid, record->pid_started, SIGKILL, true);
  }
  container_exited(spec_, state_, index, attempt, exit_of(index, attempt), now());
}

std::vector<RunningContainer> PodRunner::running() const {
  std::vector<RunningContainer> out;
  for (const auto& [index, run] : runs_) {
    out.push_back({key_.uid, spec_.containers[index].name, run.attempt, run.shim->pid()});
  }
  return out;
}

void PodRunner::send_signal(std::size_t index, std::uint32_t attempt, int number) {
  const auto run = runs_.find(index);
  if (run == runs_.end() || run->second.attempt != attempt) return;
  signal_process(run->second.pid, run->second.pid_started, number, number == SIGKILL);
}

std::shared_ptr<ProbeJob> PodRunner::job_of(std::size_t index, std::uint32_t attempt) const {
  const auto run = runs_.find(index);
  auto job = std::make_shared<ProbeJob>();
  job->container = spec_.containers[index];
  job->pod_ip = place_.pod_ip;
  job->pid = run == runs_.end() ? 0 : run->second.pid;
  job->plan_folder = folder_.run(job->container.name, attempt);
  return job;
}

async::Task<void> PodRunner::run_probe(std::size_t index, std::uint32_t attempt,
                                       pod::ProbeKind kind) {
  const std::shared_ptr<ProbeJob> job = job_of(index, attempt);
  const pod::Probe& probe = *job->container.probe(kind);
  job->handler = probe.handler;
  job->timeout = probe.timeout;
  const pod::ProbeTurn turn{index, attempt, kind, now().at};
  Status result = co_await node_.probes.run(job);
  while (!result.ok() && !scope_.stop_requested()) {
    const std::optional<Duration> wait = wait_to_probe_again(spec_, state_, turn, now().at);
    if (!wait) break;
    co_await async::sleep_for(*wait);
    if (scope_.stop_requested()) co_return;
    result = co_await node_.probes.run(job);
  }
  if (scope_.stop_requested()) co_return;
  probe_done(spec_, state_, index, kind, attempt, {result.ok(), result.message()}, now());
  changed_.set();
}

async::Task<void> PodRunner::run_post_start(std::size_t index, std::uint32_t attempt) {
  const std::shared_ptr<ProbeJob> job = job_of(index, attempt);
  job->handler = *job->container.post_start;
  job->timeout = kPostStartLimit;
  const Status result = co_await node_.probes.run(job);
  if (scope_.stop_requested()) co_return;
  post_start_done(spec_, state_, index, attempt, result, now());
  changed_.set();
}

async::Task<void> PodRunner::run_pre_stop(std::size_t index, std::uint32_t attempt,
                                          Duration limit) {
  const std::shared_ptr<ProbeJob> job = job_of(index, attempt);
  job->handler = *job->container.pre_stop;
  job->timeout = limit;
  const Status result = co_await node_.probes.run(job);
  if (scope_.stop_requested()) co_return;
  pre_stop_done(spec_, state_, index, attempt, result);
  changed_.set();
}

}  // namespace nacelle::control::node
