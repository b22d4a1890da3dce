#include "control/core/node_lifecycle/node_lifecycle.h"

#include <algorithm>

namespace nacelle::control::node_lifecycle {
namespace {

using kube::Json;
using kube::text_at;

std::string condition_status(const Json& object, std::string_view type) {
  for (const Json& one : kube::list_at(object, {"status", "conditions"})) {
    if (text_at(one, {"type"}) == type) return std::string(text_at(one, {"status"}));
  }
  return {};
}

std::vector<Taint> wanted_taints(const NodeSeen& node, Readiness ready) {
  std::vector<Taint> out;
  const auto add = [&](std::string_view key, std::string_view effect) {
    out.push_back({std::string(key), "", std::string(effect)});
  };
  if (ready != Readiness::kTrue) {
    const bool unknown = ready == Readiness::kUnknown;
    const std::string_view key = unknown ? kUnreachableTaint : kNotReadyTaint;
    add(key, kNoSchedule);
    if (ready != Readiness::kNone) add(key, kNoExecute);
  }
  if (node.cordoned) add(kUnschedulableTaint, kNoSchedule);
  if (node.low_memory) add(kMemoryPressureTaint, kNoSchedule);
  if (node.low_disk) add(kDiskPressureTaint, kNoSchedule);
  return out;
}

// How long the pod stays beside the taint; nullopt: for good.
std::optional<Duration> patience(const PodSeen& pod, const Taint& taint, const Options& options) {
  bool tolerated = false;
  std::optional<Duration> least;
  for (const Toleration& one : pod.tolerations) {
    if (!one.matches(taint)) continue;
    tolerated = true;
    if (!one.seconds) continue;
    // A negative time is none; a longer one than a year need not be computed with.
    constexpr std::int64_t kYear = 365 * 86400;
    const Duration time = std::chrono::seconds(std::clamp<std::int64_t>(*one.seconds, 0, kYear));
    least = least ? std::min(*least, time) : time;
  }
  if (!tolerated) return Duration{};
  const bool of_loss = taint.key == kNotReadyTaint || taint.key == kUnreachableTaint;
  if (least && of_loss && options.longest_toleration) {
    least = std::min(*least, *options.longest_toleration);
  }
  return least;
}

class Decider {
 public:
  Decider(std::span<const PodSeen> pods, Memory& memory, TimePoint now, const Options& options)
      : memory_(memory), now_(now), options_(options) {
    for (const PodSeen& pod : pods) {
      if (!pod.node.empty()) by_node_[pod.node].push_back(&pod);
    }
  }

  void look_at(const NodeSeen& node) {
    Memory::Node& known = memory_.nodes[node.name];
    if (known.heard == TimePoint{}) known.heard = now_;
    known.exists = true;
    Readiness ready = node.ready;
    if (now_ - known.heard >= options_.grace) {
      ready = Readiness::kUnknown;
      if (node.ready != ready) out_.actions.emplace_back(SetUnknown{node.name});
    } else {
      look_again(known.heard + options_.grace);
    }
    std::vector<Taint> all = node.taints;
    std::erase_if(all, [](const Taint& taint) { return is_ours(taint.key); });
    std::vector<Taint> ours = wanted_taints(node, ready);
    all.insert(all.end(), ours.begin(), ours.end());
    if (!same(all, node.taints)) out_.actions.emplace_back(SetTaints{node.name, std::move(ours)});
    remember(known, all);
    const auto pods = by_node_.find(node.name);
    if (pods == by_node_.end()) return;
    for (const PodSeen* pod : pods->second) {
      if (pod->finished) continue;
      if (pod->ready && (ready == Readiness::kFalse || ready == Readiness::kUnknown)) {
        out_.actions.emplace_back(SetPodNotReady{pod->key, pod->uid, node.name});
      }
      if (!pod->deleting) evict(*pod, known, node.name);
    }
  }

  void look_at_absent(std::span<const NodeSeen> nodes) {
    const auto exists = [&](const std::string& name) {
      return std::any_of(nodes.begin(), nodes.end(),
                         [&](const NodeSeen& node) { return node.name == name; });
    };
    std::erase_if(memory_.nodes, [&](const auto& entry) {
      if (exists(entry.first)) return false;
      if (entry.second.exists) memory_.absent[entry.first] = now_;  // it was deleted
      return true;
    });
    std::erase_if(memory_.absent, [&](const auto& entry) {
      return exists(entry.first) || !by_node_.contains(entry.first);
    });
    for (const auto& [name, pods] : by_node_) {
      if (exists(name)) continue;
      const TimePoint from =
          memory_.absent.try_emplace(name, now_ + options_.quarantine).first->second;
      if (now_ < from) {
        look_again(from);
        continue;
      }
      for (const PodSeen* pod : pods) {
        out_.actions.emplace_back(RemovePod{pod->key, pod->uid, name});
      }
    }
  }

  [[nodiscard]] Decision take() { return std::move(out_); }

 private:
  static bool same(std::vector<Taint> a, std::vector<Taint> b) {
    std::sort(a.begin(), a.end());
    std::sort(b.begin(), b.end());
    return a == b;
  }

  void remember(Memory::Node& known, const std::vector<Taint>& taints) const {
    std::map<Taint, TimePoint> next;
    for (const Taint& taint : taints) {
      if (taint.effect != kNoExecute) continue;
      const auto before = known.no_execute.find(taint);
      next[taint] = before == known.no_execute.end() ? now_ : before->second;
    }
    known.no_execute = std::move(next);
  }

  void evict(const PodSeen& pod, const Memory::Node& known, const std::string& node) {
    for (const auto& [taint, since] : known.no_execute) {
      const std::optional<Duration> time = patience(pod, taint, options_);
      if (!time) continue;
      if (now_ >= since + *time) {
        out_.actions.emplace_back(Evict{pod.key, pod.uid, node, taint.key});
        return;
      }
      look_again(since + *time);
    }
  }

  void look_again(TimePoint at) {
    out_.look_again = out_.look_again ? std::min(*out_.look_again, at) : at;
  }

  Memory& memory_;
  const TimePoint now_;
  const Options& options_;
  std::map<std::string, std::vector<const PodSeen*>> by_node_;
  Decision out_;
};

}  // namespace

bool is_ours(std::string_view key) {
  return key == kNotReadyTaint || key == kUnreachableTaint || key == kUnschedulableTaint ||
         key == kMemoryPressureTaint || key == kDiskPressureTaint;
}

NodeSeen node_seen(const Json& node) {
  NodeSeen out;
  out.name = text_at(node, {"metadata", "name"});
  const std::string ready = condition_status(node, "Ready");
  out.ready = ready == "True"    ? Readiness::kTrue
              : ready == "False" ? Readiness::kFalse
              : ready.empty()    ? Readiness::kNone
                                 : Readiness::kUnknown;
  out.taints = taints_of(node);
  out.cordoned = kube::bool_at(node, {"spec", "unschedulable"});
  out.low_memory = condition_status(node, "MemoryPressure") == "True";
  out.low_disk = condition_status(node, "DiskPressure") == "True";
  return out;
}

PodSeen pod_seen(const Json& pod) {
  PodSeen out;
  out.key = kube::key_of(pod);
  out.uid = text_at(pod, {"metadata", "uid"});
  out.node = text_at(pod, {"spec", "nodeName"});
  out.tolerations = tolerations_of(pod);
  out.ready = condition_status(pod, "Ready") == "True";
  out.deleting = kube::is_being_deleted(pod);
  const std::string_view phase = text_at(pod, {"status", "phase"});
  out.finished = phase == "Succeeded" || phase == "Failed";
  return out;
}

void heard(Memory& memory, const std::string& node, const std::string& beat, TimePoint now) {
  Memory::Node& known = memory.nodes[node];
  if (known.beat == beat) return;
  known.beat = beat;
  known.heard = now;
}

Decision decide(std::span<const NodeSeen> nodes, std::span<const PodSeen> pods, Memory& memory,
                TimePoint now, const Options& options) {
  Decider decider(pods, memory, now, options);
  for (const NodeSeen& node : nodes) decider.look_at(node);
  decider.look_at_absent(nodes);
  return decider.take();
}

}  // namespace nacelle::control::node_lifecycle
