#include "control/local/node/node_agent.h"

#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>

#include "async/timer.h"
#include "base/file.h"
#include "control/core/node/admission.h"
#include "control/core/pod/program.h"
#include "control/local/node/container_shim.h"
#include "control/local/node/mount_tree.h"
#include "control/local/node/pod_runner.h"
#include "telemetry/log.h"

namespace nacelle::control::node {
namespace {

namespace fs = std::filesystem;
namespace log = telemetry::log;

constexpr std::int64_t kDefaultPods = 110;

std::string first_line(const char* path) {
  Result<std::string> text = read_file(path, 4096);
  return text.ok() ? text->substr(0, text->find('\n')) : std::string();
}

void complete(pod::Resources& capacity, const fs::path& folder) {
  capacity.emplace("cpu", Quantity(::sysconf(_SC_NPROCESSORS_ONLN)));
  const std::int64_t memory =
      static_cast<std::int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE);
  if (Result<Quantity> amount = Quantity::parse(fmt::format("{}Ki", memory / 1024)); amount.ok()) {
    capacity.emplace("memory", *amount);
  }
  capacity.emplace("pods", Quantity(kDefaultPods));
  struct statvfs info {};
  if (::statvfs(folder.c_str(), &info) != 0) return;
  const auto bytes = static_cast<std::uint64_t>(info.f_blocks) * info.f_frsize;
  if (Result<Quantity> amount = Quantity::parse(fmt::format("{}Ki", bytes / 1024)); amount.ok()) {
    capacity.emplace("ephemeral-storage", *amount);
  }
}

std::map<std::string, std::int64_t> devices_in(const pod::Resources& capacity) {
  std::map<std::string, std::int64_t> out;
  for (const auto& [resource, amount] : capacity) {
    if (resource.find('/') != std::string::npos) out[resource] = amount.value();
  }
  return out;
}

// Programs that containers find first in PATH.
Status write_programs(const NodeConfig& config) {
  std::error_code error;
  fs::create_directories(config.folder / "bin", error);
  if (error) return unavailable("{}: {}", config.folder.string(), error.message());
  for (const char* name : {"vllm", "nacelle"}) {
    const fs::path path = config.folder / "bin" / name;
    RETURN_IF_ERROR(write_file_atomically(path, pod::engine_script(config.engine, name)));
    fs::permissions(path, fs::perms(0755), error);
  }
  return {};
}

// The API says that the pod ended for good: it is not run again.
bool has_ended(const pod::Json& object) {
  Status ignored;
  const std::string phase = pod::Fields(object, "", ignored).child("status").text("phase");
  return phase == "Succeeded" || phase == "Failed";
}

std::string architecture(const char* machine) {
  const std::string_view name = machine;
  return name == "x86_64" ? "amd64" : name == "aarch64" ? "arm64" : std::string(name);
}

}  // namespace

NodeAgent::NodeAgent(async::Loop& loop, std::unique_ptr<NodeShared> shared, FileLock lock)
    : loop_(loop), lock_(std::move(lock)), shared_(std::move(shared)), scope_(loop) {}

NodeAgent::~NodeAgent() = default;

Result<std::unique_ptr<NodeAgent>> NodeAgent::create(async::Loop& loop, NodeConfig config,
                                                     PodApi& api, const NodeInputs& inputs) {
  std::error_code error;
  config.folder = fs::absolute(config.folder, error);
  fs::create_directories(config.folder / "pods", error);
  if (error) return unavailable("{}: {}", config.folder.string(), error.message());
  ASSIGN_OR_RETURN(FileLock lock, FileLock::take(config.folder / "lock"));
  ASSIGN_OR_RETURN(AddressPool addresses, AddressPool::create(config.pod_range));
  complete(config.capacity, config.folder);
  const pod::Resources allocatable = allocatable_of(config.capacity);
  const std::map<std::string, std::int64_t> devices = devices_in(allocatable);
  auto shared = std::unique_ptr<NodeShared>(new NodeShared{
      loop, std::move(config), api, inputs, MountMode::kTranslate, std::nullopt,
      std::move(addresses), DevicePool(devices), ProbeRunner(loop), allocatable, boot_id()});
  std::unique_ptr<NodeAgent> agent(new NodeAgent(loop, std::move(shared), std::move(lock)));
  RETURN_IF_ERROR(agent->prepare());
  agent->restore_pods();
  return agent;
}

Status NodeAgent::prepare() {
  NodeConfig& config = shared_->config;
  RETURN_IF_ERROR(write_programs(config));
  shared_->mount_mode = config.mount_mode.value_or(MountMode::kTranslate);
  if (!config.mount_mode) shared_->mount_mode = best_mount_mode();
  facts_.limits = "off";
  if (config.cgroups) {
    Result<CgroupRoot> root = CgroupRoot::detect("nacelle-" + config.name);
    facts_.limits = root.ok() ? "cgroup v2" : root.error().message();
    if (root.ok()) shared_->cgroups = std::move(*root);
  }
  utsname system{};
  ::uname(&system);
  facts_.name = config.name;
  facts_.address = config.host_ip;
  facts_.pod_range = config.pod_range;
  facts_.capacity = config.capacity;
  facts_.labels = config.labels;
  facts_.kernel = system.release;
  facts_.architecture = architecture(system.machine);
  facts_.machine_id = first_line("/etc/machine-id");
  facts_.boot_id = shared_->boot;
  facts_.version = config.version;
  facts_.mounts = to_string(shared_->mount_mode);
  ready_since_ = std::chrono::system_clock::now();
  log::info("node agent runs",
            {{"node", config.name}, {"mounts", facts_.mounts}, {"limits", facts_.limits}});
  return {};
}

void NodeAgent::restore_pods() {
  std::error_code error;
  std::vector<std::string> uids;
  for (const auto& entry : fs::directory_iterator(shared_->config.folder / "pods", error)) {
    uids.push_back(entry.path().filename().string());
  }
  std::sort(uids.begin(), uids.end());
  for (const std::string& uid : uids) restore_pod(uid);
}

void NodeAgent::restore_pod(const std::string& uid) {
  const PodFolder folder(shared_->config.folder, uid);
  Result<pod::Json> record = folder.load();
  Status why = record.status();
  if (record.ok()) {
    Result<pod::PodSpec> spec = pod::parse_pod(record->value("object", pod::Json()));
    why = spec.status();
    if (spec.ok() && spec->uid == uid) {
      auto runner = std::make_shared<PodRunner>(*shared_, (*record)["object"], std::move(*spec),
                                                [this](PodRunner& done) { forget(done); });
      why = runner->restore(*record);
      if (why.ok()) {
        runners_[uid] = runner;
        runner->start();
        return;
      }
      scope_.spawn(end_runner(std::move(runner)));
    }
  }
  // Nothing may run that nobody watches; the pod starts anew if the API still has it.
  log::warn("a pod's record cannot be used, its processes are ended", {{"uid", uid}, {"why", why}});
  kill_left_over(folder, shared_->boot);
  folder.remove();
}

void NodeAgent::set_pod(const pod::Json& object) {
  Result<pod::PodSpec> spec = pod::parse_pod(object);
  if (!spec.ok()) {
    log::warn("a pod cannot be read", {{"why", spec.error()}});
    Status ignored;
    const pod::Fields metadata = pod::Fields(object, "", ignored).child("metadata");
    const PodKey key{metadata.text("namespace", "default"), metadata.text("name"),
                     metadata.text("uid")};
    shared_->api.record(key, {true, "FailedValidation", spec.error().message(), ""});
    return;
  }
  if (lost_) {
    while_lost_[spec->uid] = object;
    return;
  }
  if (const auto found = runners_.find(spec->uid); found != runners_.end()) {
    found->second->update(object, std::move(*spec));
    return;
  }
  if (has_ended(object)) {
    if (spec->deleting) scope_.spawn(remove_ended({spec->name_space, spec->name, spec->uid}));
    return;
  }
  auto runner = std::make_shared<PodRunner>(*shared_, object, *spec,
                                            [this](PodRunner& done) { forget(done); });
  runners_[spec->uid] = runner;
  admit(*spec, *runner);
  if (spec->deleting) runner->request_deletion(spec->deletion_grace.value_or(spec->grace));
  runner->start();
}

void NodeAgent::admit(const pod::PodSpec& spec, PodRunner& runner) {
  pod::Resources used;
  std::size_t count = 0;
  for (const auto& [uid, other] : runners_) {
    if (other.get() == &runner || !other->holds_resources()) continue;
    ++count;
    for (const auto& [resource, amount] : pod_requests(other->spec())) used[resource] += amount;
  }
  if (const std::optional<Refusal> refusal = refuse(spec, shared_->allocatable, used, count)) {
    runner.fail(refusal->reason, refusal->message, 0s);
  }
}

void NodeAgent::remove_pod(const std::string& uid) {
  if (lost_) {
    while_lost_.erase(uid);
    gone_while_lost_.insert(uid);
    return;
  }
  if (const auto found = runners_.find(uid); found != runners_.end()) {
    found->second->request_deletion(0s);
  }
}

void NodeAgent::set_pods(const std::vector<pod::Json>& objects) {
  if (lost_) {
    while_lost_.clear();
    listed_while_lost_ = true;
  }
  std::set<std::string> wanted;
  for (const pod::Json& object : objects) {
    Status ignored;
    wanted.insert(pod::Fields(object, "", ignored).child("metadata").text("uid"));
    set_pod(object);
  }
  for (const std::string& uid : pods()) {
    if (!wanted.contains(uid)) remove_pod(uid);
  }
}

void NodeAgent::inputs_changed() {
  for (const auto& [uid, runner] : runners_) runner->inputs_changed();
}

void NodeAgent::forget(PodRunner& runner) {
  const auto found = runners_.find(runner.key().uid);
  if (found == runners_.end() || found->second.get() != &runner) return;
  std::shared_ptr<PodRunner> ended = std::move(found->second);
  runners_.erase(found);
  scope_.spawn(end_runner(std::move(ended)));
}

async::Task<void> NodeAgent::end_runner(std::shared_ptr<PodRunner> runner) {
  co_await runner->stop();
}

// An object that ended in another life of this node: nothing of it is here.
async::Task<void> NodeAgent::remove_ended(PodKey key) {
  while (!scope_.stop_requested()) {
    const Status removed = co_await shared_->api.remove(key);
    if (removed.ok() || removed.code() == Code::kNotFound) co_return;
    if (const bool slept = co_await scope_.sleep(1s); !slept) co_return;
  }
}

async::Task<void> NodeAgent::stop(Stop how) {
  if (how == Stop::kEndPods) {
    for (const auto& [uid, runner] : runners_) {
      runner->fail("Terminated", "the node was shut down", runner->spec().grace);
    }
    const auto running = [&] {
      return std::any_of(runners_.begin(), runners_.end(),
                         [](const auto& entry) { return entry.second->holds_resources(); });
    };
    // Grace periods end by themselves, so this does.
    while (running()) co_await async::sleep_for(10ms);
    // The API hears of it if it listens now.
    const auto told = [&] {
      return std::all_of(runners_.begin(), runners_.end(),
                         [](const auto& entry) { return entry.second->is_told(); });
    };
    for (int i = 0; i < 200 && !told(); ++i) co_await async::sleep_for(10ms);
  }
  const auto runners = std::exchange(runners_, {});
  for (const auto& [uid, runner] : runners) co_await runner->stop();
  scope_.stop();
  co_await scope_.join();
  co_await shared_->probes.drain();
}

async::Task<void> NodeAgent::lose() {
  if (lost_) co_return;
  lost_ = true;
  const auto runners = std::exchange(runners_, {});
  for (const auto& [uid, runner] : runners) co_await runner->kill();
}

void NodeAgent::come_back() {
  if (!lost_) return;
  lost_ = false;
  ready_since_ = std::chrono::system_clock::now();
  restore_pods();
  const auto objects = std::exchange(while_lost_, {});
  for (const auto& [uid, object] : objects) set_pod(object);
  const auto gone = std::exchange(gone_while_lost_, {});
  for (const std::string& uid : gone) remove_pod(uid);
  if (!std::exchange(listed_while_lost_, false)) return;
  for (const std::string& uid : pods()) {
    if (!objects.contains(uid)) remove_pod(uid);
  }
}

pod::Json NodeAgent::object() const { return node_object(facts_); }

std::optional<pod::Json> NodeAgent::status() const {
  if (lost_) return std::nullopt;
  NodeFacts facts = facts_;
  struct statvfs info {};
  if (::statvfs(shared_->config.folder.c_str(), &info) == 0) {
    facts.low_disk = info.f_bavail * 20 < info.f_blocks;  // under 5 %
  }
  return node_status(facts, ready_since_, std::chrono::system_clock::now());
}

std::optional<pod::Json> NodeAgent::lease() const {
  if (lost_) return std::nullopt;
  return node_lease(facts_.name, std::chrono::system_clock::now());
}

Result<LogReader> NodeAgent::logs(const LogRequest& request) const {
  const PodRunner* runner = find(request.uid);
  if (runner == nullptr) return not_found("pod {} is not on this node", request.uid);
  const std::optional<std::size_t> index = runner->spec().index_of(request.container);
  if (!index) {
    return invalid_argument("container {} is not valid for pod {}", request.container,
                            runner->spec().name);
  }
  const pod::ContainerState& state = runner->state().containers[*index];
  const bool has_run = state.phase == pod::RunPhase::kRunning ||
                       state.phase == pod::RunPhase::kTerminated || state.before.has_value();
  if (request.previous) {
    if (state.restarts == 0) {
      return failed_precondition("previous terminated container \"{}\" in pod \"{}\" not found",
                                 request.container, runner->spec().name);
    }
    return LogReader(runner->folder().log(request.container, state.restarts - 1), request.options);
  }
  if (!has_run) {
    return failed_precondition(
        "container \"{}\" in pod \"{}\" is waiting to start: {}", request.container,
        runner->spec().name,
        state.waiting_reason.empty() ? "ContainerCreating" : state.waiting_reason);
  }
  return LogReader(runner->folder().log(request.container, state.restarts), request.options);
}

bool NodeAgent::log_goes_on(const std::string& uid, const std::string& container) const {
  const PodRunner* runner = find(uid);
  if (runner == nullptr) return false;
  const std::optional<std::size_t> index = runner->spec().index_of(container);
  return index && runner->state().containers[*index].up();
}

std::vector<RunningContainer> NodeAgent::running() const {
  std::vector<RunningContainer> out;
  for (const auto& [uid, runner] : runners_) {
    for (RunningContainer& container : runner->running()) out.push_back(std::move(container));
  }
  return out;
}

std::vector<std::string> NodeAgent::pods() const {
  std::vector<std::string> out;
  for (const auto& [uid, runner] : runners_) out.push_back(uid);
  return out;
}

const PodRunner* NodeAgent::find(const std::string& uid) const {
  const auto found = runners_.find(uid);
  return found == runners_.end() ? nullptr : found->second.get();
}

}  // namespace nacelle::control::node
