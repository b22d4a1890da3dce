#include "control/kube/node/kube_node.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "control/core/node/node_object.h"
#include "control/core/taints.h"
#include "control/kube/node/local_nodes.h"
#include "control/local/node/pod_runner.h"
#include "kube/lease.h"
#include "kube/time.h"
#include "telemetry/log.h"

namespace nacelle::control::node {
namespace {

namespace log = telemetry::log;
using kube::Json;

const kube::Resource kPods{"", "v1", "pods"};
const kube::Resource kNodes{"", "v1", "nodes"};
constexpr const char* kLeaseNamespace = "kube-node-lease";

// A status that says nothing new is written this often.
constexpr Duration kStatusEvery = std::chrono::minutes(5);
constexpr int kBeatsPerGrace = 4;

TimePoint now() { return std::chrono::steady_clock::now(); }

kube::InformerOptions pods_of(const std::string& node) {
  kube::InformerOptions out;
  out.resource = kPods;
  out.field_selector = "spec.nodeName=" + node;
  return out;
}

kube::InformerOptions object_of(const std::string& node) {
  kube::InformerOptions out;
  out.resource = kNodes;
  out.field_selector = "metadata.name=" + node;
  return out;
}

bool is_stopped(const Json& node) {
  return kube::map_at(node, {"metadata", "annotations"}).value(kStoppedAnnotation, Json()) ==
         "true";
}

Json without_heartbeats(Json status) {
  for (Json& condition : status["conditions"]) condition.erase("lastHeartbeatTime");
  return status;
}

// Adds what is ours to what there is: others may have labels of their own there.
bool add_missing(Json& object, const Json& ours) {
  const Json before = object;
  for (const char* part : {"labels", "annotations"}) {
    for (const auto& [key, value] : kube::map_at(ours, {"metadata", part}).items()) {
      object["metadata"][part][key] = value;
    }
  }
  for (const auto& [key, value] : kube::map_at(ours, {"spec"}).items()) {
    if (key != "taints") object["spec"][key] = value;
  }
  return object != before;
}

}  // namespace

async::Task<Result<std::unique_ptr<KubeNode>>> KubeNode::create(kube::Client& client,
                                                                KubeInputs& inputs,
                                                                NodeConfig config, Duration grace) {
  std::unique_ptr<KubeNode> node(new KubeNode(client, inputs, config.name, grace));
  kube::ObjectRef ref(kNodes, "", config.name);
  const Result<kube::Answer> found = co_await client.get(std::move(ref));
  if (!found.ok()) co_return found.error();
  if (!found->error) node->want_lost_ = is_stopped(found->body);
  CO_ASSIGN_OR_RETURN(node->agent_,
                      NodeAgent::create(client.loop(), std::move(config), node->writer_, inputs));
  // In the turn in which the agent was made: what it found has not begun to act.
  if (node->want_lost_) co_await node->lose();
  node->events_.start();
  co_return node;
}

KubeNode::KubeNode(kube::Client& client, KubeInputs& inputs, std::string name, Duration grace)
    : client_(client),
      inputs_(inputs),
      name_(std::move(name)),
      grace_(grace),
      events_(client, "nacelle-node", name_),
      writer_(client, events_),
      pods_(client, pods_of(name_),
            [this](std::span<const kube::ObjectChange> changes) { pods_changed(changes); }),
      self_(client, object_of(name_),
            [this](std::span<const kube::ObjectChange> changes) { node_changed(changes); }),
      scope_(client.loop()),
      beat_now_(client.loop()),
      stop_changed_(client.loop()) {
  pods_.add_index("inputs", input_keys);
}

KubeNode::~KubeNode() = default;

async::Task<Status> KubeNode::start() {
  // A node that is lost tells nothing; it registers when it comes back.
  if (!agent_->lost()) CO_RETURN_IF_ERROR(co_await register_node());
  listening_ =
      inputs_.listen([this](const std::vector<std::string>& keys) { inputs_changed(keys); });
  pods_.start();
  self_.start();
  scope_.spawn(beat());
  scope_.spawn(follow_annotation());
  log::info("node registered", {{"node", name_}, {"uid", uid_}});
  co_return Status();
}

async::Task<void> KubeNode::stop(NodeAgent::Stop how) {
  listening_.reset();
  co_await pods_.stop();
  co_await self_.stop();
  scope_.stop();
  beat_now_.set();
  stop_changed_.set();
  co_await scope_.join();
  co_await agent_->stop(how);
  co_await events_.stop();
}

async::Task<Status> KubeNode::register_node() {
  Json object = agent_->object();
  object["spec"]["taints"] = Json::array({Json{{"key", kNotReadyTaint}, {"effect", kNoSchedule}}});
  const Result<kube::Answer> made = co_await client_.create_object(kNodes, "", object);
  if (made.ok() && made->error && made->error->already_exists()) {
    std::function<bool(Json&)> change = [&object](Json& there) {
      return add_missing(there, object);
    };
    kube::ObjectRef ref(kNodes, "", name_);
    const Result<kube::Answer> found = co_await client_.update(std::move(ref), std::move(change));
    CO_RETURN_IF_ERROR(kube::status_of(found));
    uid_ = kube::text_at(found->body, {"metadata", "uid"});
  } else {
    CO_RETURN_IF_ERROR(kube::status_of(made));
    uid_ = kube::text_at(made->body, {"metadata", "uid"});
  }
  status_ = nullptr;
  co_return Status();
}

async::Task<void> KubeNode::beat() {
  const Duration every = grace_ / kBeatsPerGrace;
  while (!scope_.stop_requested()) {
    beat_now_.reset();
    if (!agent_->lost()) {
      Status told;
      if (uid_.empty()) told = co_await register_node();
      if (told.ok()) told = co_await renew_lease();
      if (told.ok()) told = co_await write_status();
      if (!told.ok() && !told_failure_) {
        log::warn("a node's heartbeat fails", {{"node", name_}, {"why", told}});
      }
      told_failure_ = !told.ok();
    }
    if (scope_.stop_requested()) co_return;
    (void)co_await beat_now_.wait(now() + every);
  }
}

async::Task<Status> KubeNode::renew_lease() {
  std::optional<Json> lease = agent_->lease();
  if (!lease) co_return Status();
  Json& spec = (*lease)["spec"];
  spec["leaseDurationSeconds"] =
      std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(grace_).count());
  kube::ObjectRef ref(kube::kLeases, kLeaseNamespace, name_);
  Json patch = {{"spec", spec}};
  const Result<kube::Answer> renewed =
      co_await client_.patch(std::move(ref), kube::PatchType::kMerge, std::move(patch));
  if (!renewed.ok() || !renewed->error || !renewed->error->absent()) {
    co_return kube::status_of(renewed);
  }
  (*lease)["metadata"]["ownerReferences"] =
      Json::array({Json{{"apiVersion", "v1"}, {"kind", "Node"}, {"name", name_}, {"uid", uid_}}});
  const Result<kube::Answer> made =
      co_await client_.create_object(kube::kLeases, kLeaseNamespace, std::move(*lease));
  co_return kube::status_of(made);
}

bool KubeNode::wants_status(const Json& status) const {
  if (status != status_ || now() - status_written_ >= kStatusEvery) return true;
  // Whoever watches nodes thought that we are gone.
  const kube::CachedObject object = self_.get({"", name_});
  if (object == nullptr) return false;
  for (const Json& condition : kube::list_at(*object, {"status", "conditions"})) {
    if (kube::text_at(condition, {"type"}) == "Ready") {
      return kube::text_at(condition, {"status"}) != "True";
    }
  }
  return true;
}

async::Task<Status> KubeNode::write_status() {
  const std::optional<Json> status = agent_->status();
  if (!status) co_return Status();
  Json bare = without_heartbeats(*status);
  if (!wants_status(bare)) co_return Status();
  const TimePoint began = now();
  std::function<bool(Json&)> change = [&status](Json& object) {
    object["status"] = merged_status(object, *status);
    return true;
  };
  kube::ObjectRef ref(kNodes, "", name_, "status");
  const Result<kube::Answer> written = co_await client_.update(std::move(ref), std::move(change));
  const Status told = kube::status_of(written);
  if (told.ok()) {
    status_ = std::move(bare);
    status_written_ = began;
  }
  if (told.code() == Code::kNotFound) uid_.clear();  // the Node was deleted
  co_return told;
}

void KubeNode::pods_changed(std::span<const kube::ObjectChange> changes) {
  if (!listed_) {
    listed_ = true;
    std::vector<Json> all;
    for (const auto& [key, object] : pods_.objects()) all.push_back(*object);
    agent_->set_pods(all);
    return;
  }
  const auto uid_of = [](const Json& pod) {
    return std::string(kube::text_at(pod, {"metadata", "uid"}));
  };
  for (const kube::ObjectChange& change : changes) {
    // A name that came back is another pod.
    if (change.before != nullptr &&
        (change.now == nullptr || uid_of(*change.now) != uid_of(*change.before))) {
      agent_->remove_pod(uid_of(*change.before));
    }
    if (change.now != nullptr) agent_->set_pod(*change.now);
  }
}

void KubeNode::node_changed(std::span<const kube::ObjectChange>) {
  const kube::CachedObject object = self_.get({"", name_});
  if (object == nullptr) {
    uid_.clear();
    if (!agent_->lost()) beat_now_.set();  // registers again
    return;
  }
  const bool want = is_stopped(*object);
  if (want != want_lost_) {
    want_lost_ = want;
    stop_changed_.set();
  }
  if (!agent_->lost() && wants_status(status_)) beat_now_.set();
}

async::Task<void> KubeNode::follow_annotation() {
  bool done = agent_->lost();
  while (!scope_.stop_requested()) {
    stop_changed_.reset();
    if (want_lost_ != done) {
      done = want_lost_;
      if (done) {
        co_await lose();
      } else {
        come_back();
      }
      continue;
    }
    (void)co_await stop_changed_.wait();
  }
}

async::Task<void> KubeNode::lose() {
  log::warn("node stopped: its processes are killed", {{"node", name_}});
  co_await agent_->lose();
}

void KubeNode::come_back() {
  log::info("node started again", {{"node", name_}});
  agent_->come_back();
  uid_.clear();  // the Node may be another one by now
  beat_now_.set();
}

void KubeNode::inputs_changed(const std::vector<std::string>& keys) {
  if (inputs_told_) return;
  const bool ours = std::any_of(keys.begin(), keys.end(), [this](const std::string& key) {
    if (key.starts_with("token/")) return agent_->find(key.substr(6)) != nullptr;
    return !pods_.find("inputs", key).empty();
  });
  if (!ours) return;
  // In a turn of its own: one for all the changes of this one.
  struct Tell {
    static async::Task<void> run(KubeNode* node) {
      node->inputs_told_ = false;
      node->agent_->inputs_changed();
      co_return;
    }
  };
  inputs_told_ = true;
  scope_.spawn(Tell::run(this));
}

Result<LogSource::Opened> KubeNode::open_log(const kube::PodLogQuery& query) const {
  const kube::CachedObject pod = pods_.get(query.pod);
  if (pod == nullptr) return not_found("pod {} is not on node {}", query.pod.to_string(), name_);
  if (agent_->lost()) {
    return unavailable("node {} of pod {} is lost", name_, query.pod.to_string());
  }
  NodeAgent::LogRequest request;
  request.uid = kube::text_at(*pod, {"metadata", "uid"});
  request.container = query.container;
  request.previous = query.previous;
  request.options.timestamps = query.timestamps;
  const auto whole = [](std::int64_t value) { return static_cast<std::uint64_t>(value); };
  if (query.tail_lines) request.options.tail = whole(*query.tail_lines);
  if (query.limit_bytes) request.options.limit_bytes = whole(*query.limit_bytes);
  if (query.since_seconds) {
    request.options.since =
        std::chrono::system_clock::now() - std::chrono::seconds(*query.since_seconds);
  } else if (!query.since_time.empty()) {
    request.options.since = kube::parse_time(query.since_time);
    if (!request.options.since) {
      return invalid_argument("sinceTime is no RFC 3339 time: {}", query.since_time);
    }
  }
  ASSIGN_OR_RETURN(LogReader reader, agent_->logs(request));
  LogSource::Opened out{std::move(reader), request.uid, request.container};
  const PodRunner& runner = *agent_->find(request.uid);
  out.run = runner.state().containers[*runner.spec().index_of(request.container)].restarts;
  return out;
}

std::optional<bool> KubeNode::log_goes_on(const std::string& uid, const std::string& container,
                                          std::uint32_t run) const {
  const PodRunner* runner = agent_->find(uid);
  if (runner == nullptr) return std::nullopt;
  const std::optional<std::size_t> index = runner->spec().index_of(container);
  return index && runner->state().containers[*index].restarts == run &&
         agent_->log_goes_on(uid, container);
}

std::vector<Json> KubeNode::pod_metrics(const UsageMeter& meter,
                                        std::string_view name_space) const {
  std::vector<Json> out;
  for (const auto& [key, pod] : pods_.objects()) {
    if (!name_space.empty() && key.name_space != name_space) continue;
    const PodRunner* runner = agent_->find(std::string(kube::text_at(*pod, {"metadata", "uid"})));
    if (runner == nullptr) continue;
    const std::vector<RunningContainer> running = runner->running();
    std::vector<NamedUsage> measured;
    for (const RunningContainer& container : running) {
      if (auto usage = meter.of(container)) measured.emplace_back(container.name, *usage);
    }
    // A part of a pod would look like all of it.
    if (measured.empty() || measured.size() < running.size()) continue;
    out.push_back(pod_metrics_object(*pod, measured));
  }
  return out;
}

std::optional<Json> KubeNode::node_metrics(const UsageMeter& meter, Duration window) const {
  if (agent_->lost()) return std::nullopt;
  ContainerUsage sum;
  sum.at = std::chrono::system_clock::now();
  sum.window = window;
  for (const RunningContainer& container : agent_->running()) {
    const auto usage = meter.of(container);
    if (!usage) continue;
    sum.cpu_nanocores += usage->cpu_nanocores;
    sum.memory_bytes += usage->memory_bytes;
    sum.at = usage->at;
  }
  const kube::CachedObject object = self_.get({"", name_});
  return node_metrics_object(object != nullptr ? *object : agent_->object(), sum);
}

}  // namespace nacelle::control::node
