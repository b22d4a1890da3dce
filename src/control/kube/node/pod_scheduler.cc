#include "control/kube/node/pod_scheduler.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "kube/time.h"
#include "telemetry/log.h"

namespace nacelle::control::node {
namespace {

namespace log = telemetry::log;
using kube::Json;
using kube::text_at;

const kube::Resource kPods{"", "v1", "pods"};

std::string uid_of(const Json& object) { return std::string(text_at(object, {"metadata", "uid"})); }

kube::InformerOptions class_options() {
  kube::InformerOptions out;
  out.resource = kube::Resource("storage.k8s.io", "v1", "storageclasses");
  return out;
}

const Json* scheduled_condition(const Json& pod) {
  for (const Json& one : kube::list_at(pod, {"status", "conditions"})) {
    if (text_at(one, {"type"}) == "PodScheduled") return &one;
  }
  return nullptr;
}

// Heartbeats do not matter to a scheduler.
bool matters(const kube::ObjectChange& change) {
  if (change.before == nullptr || change.now == nullptr) return true;
  const auto same = [&](kube::Path path) {
    return kube::map_at(*change.before, path) == kube::map_at(*change.now, path);
  };
  return !same({"metadata", "labels"}) || !same({"spec"}) || !same({"status", "allocatable"});
}

}  // namespace

PodScheduler::PodScheduler(kube::Client& client, KubeInputs& inputs, const kube::Informer& nodes,
                           const kube::Informer& pods)
    : client_(client),
      nodes_(nodes),
      pods_(pods),
      inputs_(inputs),
      classes_(client, class_options(),
               [this](std::span<const kube::ObjectChange>) { changed_.set(); }),
      events_(client, kName),
      changed_(client.loop()),
      scope_(client.loop()) {}

void PodScheduler::start() {
  listening_ = inputs_.listen([this](const std::vector<std::string>& keys) {
    if (std::any_of(keys.begin(), keys.end(),
                    [](const std::string& key) { return key.starts_with("claim/"); })) {
      changed_.set();
    }
  });
  events_.start();
  classes_.start();
  scope_.spawn(run());
}

async::Task<void> PodScheduler::stop() {
  listening_.reset();
  co_await classes_.stop();
  scope_.stop();
  scope_.cancel();
  co_await scope_.join();
  co_await events_.stop();
}

void PodScheduler::pods_changed(std::span<const kube::ObjectChange> changes) {
  for (const kube::ObjectChange& change : changes) {
    if (change.before != nullptr && (change.now == nullptr ||
                                     kube::map_at(*change.now, {"metadata", "labels"}) !=
                                         kube::map_at(*change.before, {"metadata", "labels"}) ||
                                     uid_of(*change.now) != uid_of(*change.before))) {
      loads_.erase(uid_of(*change.before));
    }
    if (change.before != nullptr &&
        (change.now == nullptr || uid_of(*change.now) != uid_of(*change.before))) {
      assumed_.erase(uid_of(*change.before));
    }
    if (change.now != nullptr && !text_at(*change.now, {"spec", "nodeName"}).empty()) {
      assumed_.erase(uid_of(*change.now));
    }
    const bool waits = change.now != nullptr && scheduler::waits_for_node(*change.now, kName);
    if (!waits) pending_.erase(change.key);
    const bool came = waits && pending_.insert(change.key).second;
    const bool left = change.before != nullptr && scheduler::holds_node(*change.before) &&
                      (change.now == nullptr || !scheduler::holds_node(*change.now));
    if (came || (left && !pending_.empty())) changed_.set();
  }
}

void PodScheduler::nodes_changed(std::span<const kube::ObjectChange> changes) {
  if (std::any_of(changes.begin(), changes.end(), matters)) changed_.set();
}

async::Task<void> PodScheduler::run() {
  while (!scope_.stop_requested()) {
    (void)co_await changed_.wait();
    if (scope_.stop_requested()) co_return;
    if (!nodes_.synced() || !pods_.synced() || !classes_.synced()) {
      changed_.reset();
      continue;  // the first lists will tell
    }
    changed_.reset();
    if (pending_.empty()) continue;
    const Status done = co_await round();
    if (!done.ok() && !told_failure_) {
      log::warn("pods cannot be scheduled now and are tried again", {{"why", done}});
    }
    told_failure_ = !done.ok();
    if (done.ok()) continue;
    if (const bool slept = co_await scope_.sleep(kTryAgain); !slept) co_return;
    changed_.set();
  }
}

std::shared_ptr<const scheduler::PodDemand> PodScheduler::load_of(const Json& pod) {
  auto& known = loads_[uid_of(pod)];
  if (known == nullptr) {
    Result<scheduler::PodDemand> demand = scheduler::pod_demand(pod);
    // What cannot be read runs nowhere.
    known = std::make_shared<const scheduler::PodDemand>(demand.ok() ? std::move(*demand)
                                                                     : scheduler::PodDemand());
  }
  return known;
}

std::vector<scheduler::NodeOffer> PodScheduler::offers() {
  std::vector<scheduler::NodeOffer> out;
  std::map<std::string, std::size_t, std::less<>> index;
  for (const auto& [key, node] : nodes_.objects()) {
    index.emplace(key.name, out.size());
    out.push_back(scheduler::node_offer(*node));
  }
  for (const auto& [key, pod] : pods_.objects()) {
    std::string_view node;
    if (scheduler::holds_node(*pod)) {
      node = text_at(*pod, {"spec", "nodeName"});
    } else if (const auto bound = assumed_.find(uid_of(*pod)); bound != assumed_.end()) {
      node = bound->second;
    }
    const auto found = index.find(node);
    if (found == index.end()) continue;
    out[found->second].take(load_of(*pod));
  }
  return out;
}

std::vector<scheduler::PodDemand> PodScheduler::waiting() {
  const scheduler::ClaimLookup lookup{
      [this](std::string_view name_space, std::string_view name) {
        return inputs_.claims().get({std::string(name_space), std::string(name)}).get();
      },
      [this](std::string_view name) {
        return inputs_.volumes().get({"", std::string(name)}).get();
      },
      [this](std::string_view name) {
        return classes_.get({"", std::string(name)}).get();
      }};
  std::vector<scheduler::PodDemand> out;
  for (const kube::ObjectKey& key : pending_) {
    const kube::CachedObject pod = pods_.get(key);
    if (pod == nullptr || assumed_.contains(uid_of(*pod))) continue;
    Result<scheduler::PodDemand> demand = scheduler::pod_demand(*pod);
    if (demand.ok()) {
      scheduler::add_claims(*pod, lookup, *demand);
    } else {
      scheduler::PodDemand unread;
      unread.key = key;
      unread.uid = uid_of(*pod);
      unread.waits_for = demand.error().message();
      demand = std::move(unread);
    }
    out.push_back(std::move(*demand));
  }
  std::sort(out.begin(), out.end(), scheduler::goes_before);
  return out;
}

async::Task<Status> PodScheduler::round() {
  std::vector<scheduler::NodeOffer> nodes = offers();
  const std::vector<scheduler::PodDemand> pods = waiting();
  for (const scheduler::PodDemand& pod : pods) {
    if (scope_.stop_requested()) break;
    const scheduler::Placement at = scheduler::place(pod, nodes);
    if (at.node.empty()) {
      CO_RETURN_IF_ERROR(co_await tell_unschedulable(pod.key, at.why));
      continue;
    }
    if (!pod.claims_to_place.empty()) {
      CO_RETURN_IF_ERROR(co_await place_claims(&pod, at.node));
    } else {
      const Result<bool> bound = co_await bind(&pod, at.node);
      if (!bound.ok()) co_return bound.error();
      if (!*bound) continue;
    }
    const auto node = std::find_if(nodes.begin(), nodes.end(),
                                   [&](const auto& one) { return one.name == at.node; });
    node->take(std::make_shared<const scheduler::PodDemand>(pod));
  }
  co_return Status();
}

async::Task<Result<bool>> PodScheduler::bind(const scheduler::PodDemand* pod, std::string node) {
  kube::Call call(
      kube::object_path(kube::ObjectRef(kPods, pod->key.name_space, pod->key.name, "binding")));
  call.method = "POST";
  call.content_type = "application/json";
  call.body = kube::text_of(
      {{"apiVersion", "v1"},
       {"kind", "Binding"},
       {"metadata",
        {{"name", pod->key.name}, {"namespace", pod->key.name_space}, {"uid", pod->uid}}},
       {"target", {{"apiVersion", "v1"}, {"kind", "Node"}, {"name", node}}}});
  // Before the watch tells of it, so that the next round counts it.
  assumed_[pod->uid] = node;
  const Result<kube::Answer> answer = co_await client_.call(std::move(call));
  if (const Status bound = kube::status_of(answer); !bound.ok()) {
    assumed_.erase(pod->uid);
    if (!answer.ok() || answer->error->code >= 500) co_return bound;
    co_return false;
  }
  const kube::CachedObject seen = pods_.get(pod->key);
  if (seen == nullptr || uid_of(*seen) != pod->uid ||
      !text_at(*seen, {"spec", "nodeName"}).empty()) {
    assumed_.erase(pod->uid);  // the watch was faster
  }
  tell(pod->key, pod->uid, false, "Scheduled",
       fmt::format("Successfully assigned {} to {}", pod->key.to_string(), node));
  co_return true;
}

async::Task<Status> PodScheduler::place_claims(const scheduler::PodDemand* pod, std::string node) {
  const kube::Resource claims("", "v1", "persistentvolumeclaims");
  for (const std::string& name : pod->claims_to_place) {
    const kube::CachedObject claim = inputs_.claims().get({pod->key.name_space, name});
    if (claim == nullptr) continue;
    const Json& annotations = kube::map_at(*claim, {"metadata", "annotations"});
    if (annotations.value(scheduler::kSelectedNode, Json()) == node) continue;
    Json patch = {{"metadata", {{"annotations", {{scheduler::kSelectedNode, node}}}}}};
    const kube::ObjectRef ref(claims, pod->key.name_space, name);
    const Result<kube::Answer> told =
        co_await client_.patch(ref, kube::PatchType::kMerge, std::move(patch));
    if (!told.ok()) co_return told.error();
    if (told->error && told->error->code >= 500) co_return told->error->to_status();
  }
  co_return co_await tell_unschedulable(
      pod->key, fmt::format("waiting for the volume of persistentvolumeclaim \"{}\" on {}",
                            pod->claims_to_place.front(), node));
}

async::Task<Status> PodScheduler::tell_unschedulable(kube::ObjectKey key, std::string why) {
  const kube::CachedObject pod = pods_.get(key);
  if (pod == nullptr) co_return Status();
  const Json* before = scheduled_condition(*pod);
  if (before != nullptr && text_at(*before, {"message"}) == why) co_return Status();
  const std::string uid = uid_of(*pod);
  Json condition = {
      {"type", "PodScheduled"}, {"status", "False"}, {"reason", "Unschedulable"}, {"message", why}};
  if (before == nullptr || text_at(*before, {"status"}) != "False") {
    condition["lastTransitionTime"] = kube::to_time(kube::wall_now());
  }
  Json patch = {{"metadata", {{"uid", uid}}},
                {"status", {{"conditions", Json::array({std::move(condition)})}}}};
  kube::ObjectRef ref(kPods, key.name_space, key.name, "status");
  const Result<kube::Answer> written =
      co_await client_.patch(std::move(ref), kube::PatchType::kStrategic, std::move(patch));
  if (!written.ok()) co_return written.error();
  if (written->error) {  // it went meanwhile, or the API will not have it: nobody to tell
    co_return written->error->code < 500 ? Status() : written->error->to_status();
  }
  tell(key, uid, true, "FailedScheduling", std::move(why));
  co_return Status();
}

void PodScheduler::tell(const kube::ObjectKey& key, const std::string& uid, bool warning,
                        const char* reason, std::string message) {
  EventFact fact;
  fact.subject.kind = "Pod";
  fact.subject.name_space = key.name_space;
  fact.subject.name = key.name;
  fact.subject.uid = uid;
  fact.warning = warning;
  fact.reason = reason;
  fact.message = std::move(message);
  events_.record(fact);
}

}  // namespace nacelle::control::node
