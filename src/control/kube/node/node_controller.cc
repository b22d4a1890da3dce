#include "control/kube/node/node_controller.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "kube/lease.h"
#include "kube/time.h"
#include "telemetry/log.h"

namespace nacelle::control::node {
namespace {

namespace log = telemetry::log;
namespace lifecycle = node_lifecycle;
using kube::Json;
using kube::text_at;

const kube::Resource kPods{"", "v1", "pods"};
const kube::Resource kNodes{"", "v1", "nodes"};

TimePoint now() { return std::chrono::steady_clock::now(); }
std::string wall() { return kube::to_time(kube::wall_now()); }

kube::InformerOptions lease_options() {
  kube::InformerOptions out;
  out.resource = kube::kLeases;
  out.name_space = "kube-node-lease";
  return out;
}

// The condition of that type, which is added when there is none.
Json& condition(Json& status, std::string_view type) {
  Json& list = status["conditions"];
  if (!list.is_array()) list = Json::array();
  for (Json& one : list) {
    if (text_at(one, {"type"}) == type) return one;
  }
  list.push_back({{"type", type}});
  return list.back();
}

void set_condition(Json& status, std::string_view type, std::string_view value,
                   std::string_view reason, std::string_view message) {
  Json& one = condition(status, type);
  if (text_at(one, {"status"}) != value) one["lastTransitionTime"] = wall();
  one["status"] = value;
  one["reason"] = reason;
  one["message"] = message;
}

std::string heartbeat_of(const Json& node) {
  for (const Json& one : kube::list_at(node, {"status", "conditions"})) {
    if (text_at(one, {"type"}) == "Ready") {
      return std::string(text_at(one, {"lastHeartbeatTime"}));
    }
  }
  return {};
}

bool is_well(const lifecycle::NodeSeen& node) {
  return node.ready == lifecycle::Readiness::kTrue &&
         std::none_of(node.taints.begin(), node.taints.end(),
                      [](const Taint& taint) { return taint.effect == kNoExecute; });
}

}  // namespace

NodeController::NodeController(kube::Client& client, const kube::Informer& nodes,
                               const kube::Informer& pods, lifecycle::Options options)
    : client_(client),
      nodes_(nodes),
      pods_(pods),
      leases_(client, lease_options(),
              [this](std::span<const kube::ObjectChange> changes) {
                for (const kube::ObjectChange& change : changes) {
                  if (change.now == nullptr) continue;
                  lifecycle::heard(memory_, change.key.name,
                                   std::string(text_at(*change.now, {"spec", "renewTime"})), now());
                }
                if (changes.empty() || !all_well_) changed_.set();
              }),
      options_(options),
      events_(client, "node-controller"),
      changed_(client.loop()),
      scope_(client.loop()) {}

void NodeController::start() {
  events_.start();
  leases_.start();
  scope_.spawn(run());
}

async::Task<void> NodeController::stop() {
  co_await leases_.stop();
  scope_.stop();
  scope_.cancel();
  co_await scope_.join();
  co_await events_.stop();
}

void NodeController::nodes_changed(std::span<const kube::ObjectChange> changes) {
  for (const kube::ObjectChange& change : changes) {
    if (change.now != nullptr && change.before != nullptr) {
      const std::string beat = heartbeat_of(*change.now);
      if (beat != heartbeat_of(*change.before)) {
        lifecycle::heard(memory_, change.key.name, "status " + beat, now());
      }
    }
  }
  changed_.set();
}

void NodeController::pods_changed(std::span<const kube::ObjectChange> changes) {
  const bool matters =
      std::any_of(changes.begin(), changes.end(), [this](const kube::ObjectChange& change) {
        if (change.now == nullptr) return false;
        const std::string_view node = text_at(*change.now, {"spec", "nodeName"});
        return !node.empty() && (!all_well_ || nodes_.get({"", std::string(node)}) == nullptr);
      });
  if (matters || changes.empty()) changed_.set();
}

async::Task<void> NodeController::run() {
  std::optional<TimePoint> look_again;
  while (!scope_.stop_requested()) {
    (void)co_await changed_.wait(look_again.value_or(async::kNoDeadline));
    if (scope_.stop_requested()) co_return;
    changed_.reset();
    look_again.reset();
    if (!nodes_.synced() || !pods_.synced() || !leases_.synced()) continue;
    const Status done = co_await round(&look_again);
    if (!done.ok()) {
      if (!told_failure_) log::warn("the state of nodes cannot be written", {{"why", done}});
      look_again = now() + kTryAgain;
    }
    told_failure_ = !done.ok();
  }
}

async::Task<Status> NodeController::round(std::optional<TimePoint>* look_again) {
  std::vector<lifecycle::NodeSeen> nodes;
  bool well = true;
  for (const auto& [key, node] : nodes_.objects()) {
    nodes.push_back(lifecycle::node_seen(*node));
    well = well && is_well(nodes.back());
  }
  std::vector<lifecycle::PodSeen> pods;
  std::set<std::string> evicted;
  for (const auto& [key, pod] : pods_.objects()) {
    pods.push_back(lifecycle::pod_seen(*pod));
    lifecycle::PodSeen& seen = pods.back();
    if (seen.deleting || !evicted_.contains(seen.uid)) continue;
    seen.deleting = true;  // the API has said so already
    evicted.insert(seen.uid);
  }
  evicted_ = std::move(evicted);
  lifecycle::Decision decision = lifecycle::decide(nodes, pods, memory_, now(), options_);
  all_well_ = well && decision.actions.empty() && memory_.absent.empty();
  *look_again = decision.look_again;
  for (const lifecycle::Action& action : decision.actions) {
    if (scope_.stop_requested()) break;
    CO_RETURN_IF_ERROR(co_await apply(&action));
  }
  co_return Status();
}

async::Task<Status> NodeController::apply(const lifecycle::Action* action) {
  Result<kube::Answer> answer = kube::Answer();
  if (const auto* unknown = std::get_if<lifecycle::SetUnknown>(action)) {
    answer = co_await set_unknown(unknown->node);
  } else if (const auto* taints = std::get_if<lifecycle::SetTaints>(action)) {
    answer = co_await set_taints(*taints);
  } else if (const auto* pod = std::get_if<lifecycle::SetPodNotReady>(action)) {
    answer = co_await set_not_ready(*pod);
  } else if (const auto* out = std::get_if<lifecycle::Evict>(action)) {
    answer = co_await evict(*out);
  } else {
    answer = co_await remove(std::get<lifecycle::RemovePod>(*action));
  }
  if (answer.ok() && answer->error && answer->error->code < 500) {
    log::debug("what a node needs is refused", {{"why", answer->error->to_status()}});
    co_return Status();
  }
  co_return kube::status_of(answer);
}

async::Task<Result<kube::Answer>> NodeController::set_unknown(std::string node) {
  log::warn("node lost: no heartbeat", {{"node", node}, {"seconds", to_seconds(options_.grace)}});
  std::function<bool(Json&)> change = [](Json& object) {
    Json& status = object["status"];
    const Json before = status;
    for (const char* type : {"MemoryPressure", "DiskPressure", "PIDPressure", "Ready"}) {
      set_condition(status, type, "Unknown", "NodeStatusUnknown",
                    "The node agent stopped posting node status.");
    }
    return status != before;
  };
  const kube::ObjectRef ref(kNodes, "", node, "status");
  Result<kube::Answer> answer = co_await client_.update(ref, std::move(change));
  if (kube::status_of(answer).ok()) {
    tell_node(node, "NodeNotReady", fmt::format("Node {} status is now: NodeNotReady", node));
  }
  co_return answer;
}

async::Task<Result<kube::Answer>> NodeController::set_taints(lifecycle::SetTaints wanted) {
  std::function<bool(Json&)> change = [&wanted](Json& object) {
    Json next = Json::array();
    const Json& before = kube::list_at(object, {"spec", "taints"});
    for (const Json& one : before) {
      if (!lifecycle::is_ours(text_at(one, {"key"}))) next.push_back(one);
    }
    for (const Taint& taint : wanted.taints) {
      const auto same = std::find_if(before.begin(), before.end(), [&](const Json& one) {
        return text_at(one, {"key"}) == taint.key && text_at(one, {"effect"}) == taint.effect;
      });
      if (same != before.end()) {
        next.push_back(*same);
        continue;
      }
      Json one = {{"key", taint.key}, {"effect", taint.effect}};
      if (taint.effect == kNoExecute) one["timeAdded"] = wall();
      next.push_back(std::move(one));
    }
    if (next == before) return false;
    if (next.empty()) {
      object["spec"].erase("taints");
    } else {
      object["spec"]["taints"] = std::move(next);
    }
    return true;
  };
  const kube::ObjectRef ref(kNodes, "", wanted.node);
  co_return co_await client_.update(ref, std::move(change));
}

async::Task<Result<kube::Answer>> NodeController::write_pod_status(
    kube::ObjectKey key, std::string uid, std::function<void(Json& status)> change) {
  std::function<bool(Json&)> edit = [uid = std::move(uid), change = std::move(change)](Json& pod) {
    if (text_at(pod, {"metadata", "uid"}) != uid) return false;
    Json& status = pod["status"];
    const Json before = status;
    change(status);
    return status != before;
  };
  const kube::ObjectRef ref(kPods, key.name_space, key.name, "status");
  co_return co_await client_.update(ref, std::move(edit));
}

async::Task<Result<kube::Answer>> NodeController::set_not_ready(lifecycle::SetPodNotReady pod) {
  tell_pod(pod.pod, pod.uid, "NodeNotReady", "Node is not ready");
  std::function<void(Json&)> change = [node = pod.node](Json& status) {
    set_condition(status, "Ready", "False", "NodeNotReady",
                  fmt::format("node {} does not answer", node));
  };
  co_return co_await write_pod_status(pod.pod, pod.uid, std::move(change));
}

async::Task<Result<kube::Answer>> NodeController::evict(lifecycle::Evict pod) {
  log::warn("pod evicted",
            {{"pod", pod.pod.to_string()}, {"node", pod.node}, {"taint", pod.taint}});
  tell_pod(pod.pod, pod.uid, "TaintManagerEviction",
           fmt::format("Marking for deletion Pod {}", pod.pod.to_string()));
  std::function<void(Json&)> change = [&pod](Json& status) {
    set_condition(status, "DisruptionTarget", "True", "DeletionByTaintManager",
                  fmt::format("node {} has the taint {}, which the pod does not put up with any "
                              "more",
                              pod.node, pod.taint));
  };
  Result<kube::Answer> told = co_await write_pod_status(pod.pod, pod.uid, std::move(change));
  if (!told.ok()) co_return told;
  kube::DeleteOptions options;
  options.uid = pod.uid;
  const kube::ObjectRef ref(kPods, pod.pod.name_space, pod.pod.name);
  Result<kube::Answer> answer = co_await client_.remove(ref, std::move(options));
  if (kube::status_of(answer).ok()) evicted_.insert(pod.uid);
  co_return answer;
}

async::Task<Result<kube::Answer>> NodeController::remove(lifecycle::RemovePod pod) {
  log::warn("pod removed: its node was deleted",
            {{"pod", pod.pod.to_string()}, {"node", pod.node}});
  std::function<void(Json&)> change = [&pod](Json& status) {
    const std::string_view phase = text_at(status, {"phase"});
    if (phase == "Succeeded" || phase == "Failed") return;
    status["phase"] = "Failed";
    status["reason"] = "NodeLost";
    status["message"] = fmt::format("node {} was deleted", pod.node);
    set_condition(status, "DisruptionTarget", "True", "DeletionByPodGC",
                  fmt::format("node {} does not exist any more", pod.node));
  };
  Result<kube::Answer> told = co_await write_pod_status(pod.pod, pod.uid, std::move(change));
  if (!told.ok()) co_return told;
  kube::DeleteOptions options;
  options.grace_seconds = 0;
  options.uid = pod.uid;
  const kube::ObjectRef ref(kPods, pod.pod.name_space, pod.pod.name);
  co_return co_await client_.remove(ref, std::move(options));
}

void NodeController::tell_node(const std::string& node, const char* reason, std::string message) {
  EventFact fact;
  fact.subject.kind = "Node";
  fact.subject.name = node;
  if (const auto object = nodes_.get({"", node})) {
    fact.subject.uid = text_at(*object, {"metadata", "uid"});
  }
  fact.reason = reason;
  fact.message = std::move(message);
  events_.record(fact);
}

void NodeController::tell_pod(const kube::ObjectKey& key, const std::string& uid,
                              const char* reason, std::string message) {
  EventFact fact;
  fact.subject.kind = "Pod";
  fact.subject.name_space = key.name_space;
  fact.subject.name = key.name;
  fact.subject.uid = uid;
  fact.warning = true;
  fact.reason = reason;
  fact.message = std::move(message);
  events_.record(fact);
}

}  // namespace nacelle::control::node
