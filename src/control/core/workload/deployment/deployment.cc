#include "control/core/workload/deployment/deployment.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <utility>

#include "control/core/children.h"
#include "control/core/workload/deployment/deployment_status.h"
#include "control/core/workload/deployment/rollout.h"
#include "control/core/workload/labels.h"

namespace nacelle::control::workload {
namespace {

using kube::number_at;
using kube::text_at;

constexpr std::string_view kDesired = "deployment.kubernetes.io/desired-replicas";
constexpr std::string_view kMost = "deployment.kubernetes.io/max-replicas";
constexpr std::string_view kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";

// A template without what the Deployment's controller adds to it, and without nulls.
Json bare_template(const Json& object) {
  Json out = kube::map_at(object, {"spec", "template"});
  if (const auto metadata = out.find("metadata"); metadata != out.end() && metadata->is_object()) {
    metadata->erase("creationTimestamp");
    if (const auto labels = metadata->find("labels");
        labels != metadata->end() && labels->is_object()) {
      labels->erase(std::string(kTemplateHash));
    }
  }
  return out;
}

std::int64_t revision_of(const Json& object) {
  const std::string_view text = text_at(object, {"metadata", "annotations", kRevision});
  std::int64_t revision = 0;
  std::from_chars(text.data(), text.data() + text.size(), revision);
  return revision;
}

std::int64_t wanted_of(const Json& set) { return number_at(set, {"spec", "replicas"}).value_or(0); }

bool older(const Json* a, const Json* b) {
  const auto made = [](const Json* set) {
    return text_at(*set, {"metadata", "creationTimestamp"});
  };
  if (made(a) != made(b)) return made(a) < made(b);
  return kube::key_of(*a).name < kube::key_of(*b).name;
}

std::vector<const Json*> owned_sets(const DeploymentObserved& observed) {
  const std::string uid(text_at(observed.deployment, {"metadata", "uid"}));
  std::vector<const Json*> out;
  for (const Json& set : observed.replica_sets) {
    if (controller_of(set) == uid) out.push_back(&set);
  }
  std::sort(out.begin(), out.end(), older);
  return out;
}

class DeploymentDecider {
 public:
  explicit DeploymentDecider(const DeploymentObserved& observed)
      : observed_(observed),
        deployment_(observed.deployment),
        replicas_(
            std::max<std::int64_t>(0, number_at(deployment_, {"spec", "replicas"}).value_or(1))),
        recreate_(text_at(deployment_, {"spec", "strategy", "type"}) == "Recreate"),
        limits_(recreate_ ? RolloutLimits{0, replicas_} : rollout_limits(deployment_, replicas_)) {}

  Decision run() {
    adopt();
    if (!decision_.actions.empty()) return std::move(decision_);  // then they count among ours
    for (const Json* set : owned_sets(observed_)) {
      if (newest_ == nullptr && bare_template(*set) == bare_template(deployment_))
        newest_ = set;
      else
        old_.push_back(set);
    }
    if (!kube::is_being_deleted(deployment_)) {
      const bool paused = kube::bool_at(deployment_, {"spec", "paused"});
      if (!paused) ensure_newest();
      if (newest_ != nullptr) roll(paused);
      if (!paused) clean_up();
    }
    write_status();
    return std::move(decision_);
  }

 private:
  // Sets without a controller that match are ours again.
  void adopt() {
    if (kube::is_being_deleted(deployment_)) return;
    for (const Json& set : observed_.replica_sets) {
      if (!controller_of(set).empty() || kube::is_being_deleted(set)) continue;
      if (!selects(kube::map_at(deployment_, {"spec", "selector"}), set)) continue;
      Json owned = set;
      owned["metadata"]["ownerReferences"].push_back(controller_reference(deployment_));
      decision_.actions.push_back(Update{std::move(owned)});
    }
  }

  std::int64_t next_revision() const {
    std::int64_t most = 0;
    for (const Json* set : old_) most = std::max(most, revision_of(*set));
    return most + 1;
  }

  void ensure_newest() {
    const std::int64_t revision = next_revision();
    if (newest_ == nullptr) {
      create_newest(revision);
      return;
    }
    if (revision_of(*newest_) < revision) {
      Json renumbered = *newest_;
      renumbered["metadata"]["annotations"][std::string(kRevision)] = std::to_string(revision);
      annotate(renumbered);
      pending_ = std::move(renumbered);
    }
    number_deployment(std::max(revision, revision_of(*newest_)));
  }

  void number_deployment(std::int64_t revision) {
    if (revision_of(deployment_) == revision) return;
    Json numbered = deployment_;
    numbered["metadata"]["annotations"][std::string(kRevision)] = std::to_string(revision);
    decision_.actions.push_back(Update{std::move(numbered)});
  }

  void create_newest(std::int64_t revision) {
    const kube::ObjectKey key = kube::key_of(deployment_);
    std::int64_t collisions = number_at(deployment_, {"status", "collisionCount"}).value_or(0);
    const std::string pattern =
        bare_template(deployment_).dump(-1, ' ', false, Json::error_handler_t::replace);
    const auto name_of = [&](std::int64_t count) {
      return hash_text(fnv(std::to_string(count), fnv(pattern)));
    };
    const auto taken = [&](const std::string& name) {
      return std::any_of(observed_.replica_sets.begin(), observed_.replica_sets.end(),
                         [&](const Json& set) { return kube::key_of(set).name == name; });
    };
    std::string hash = name_of(collisions);
    while (taken(key.name + "-" + hash)) {
      hash = name_of(++collisions);
      collisions_ = collisions;
    }
    const auto marked = [&](Json labels) {
      labels[std::string(kTemplateHash)] = hash;
      return labels;
    };
    Json body = kube::map_at(deployment_, {"spec", "template"});
    body["metadata"]["labels"] = marked(kube::map_at(body, {"metadata", "labels"}));
    Json selector = kube::map_at(deployment_, {"spec", "selector"});
    selector["matchLabels"] = marked(kube::map_at(selector, {"matchLabels"}));
    std::int64_t first = replicas_;
    std::int64_t all = 0;
    for (const Json* set : old_) all += wanted_of(*set);
    if (recreate_ && (all > 0 || old_pods() > 0)) {
      first = 0;
    } else if (!recreate_) {
      first = std::clamp<std::int64_t>(replicas_ + limits_.surge - all, 0, replicas_);
    }
    Json set = {
        {"apiVersion", "apps/v1"},
        {"kind", "ReplicaSet"},
        {"metadata",
         {{"name", key.name + "-" + hash},
          {"namespace", key.name_space},
          {"labels", body["metadata"]["labels"]},
          {"annotations", {{std::string(kRevision), std::to_string(revision)}}},
          {"ownerReferences", Json::array({controller_reference(deployment_)})}}},
        {"spec", {{"replicas", first}, {"selector", std::move(selector)}, {"template", body}}}};
    if (const auto least = number_at(deployment_, {"spec", "minReadySeconds"})) {
      set["spec"]["minReadySeconds"] = *least;
    }
    annotate(set);
    created_ = kube::key_of(set).name;
    decision_.actions.push_back(Create{std::move(set)});
    if (first > 0) tell_of_scale(created_, 0, first);
    number_deployment(revision);
  }

  // The Deployment's own annotations and the two numbers that a proportional scale would need.
  void annotate(Json& set) const {
    Json& annotations = set["metadata"]["annotations"];
    for (const auto& [key, value] :
         kube::map_at(deployment_, {"metadata", "annotations"}).items()) {
      if (key != kLastApplied && key != kRevision) annotations[key] = value;
    }
    annotations[std::string(kDesired)] = std::to_string(replicas_);
    annotations[std::string(kMost)] = std::to_string(replicas_ + limits_.surge);
  }

  std::int64_t old_pods() const {
    std::int64_t pods = 0;
    for (const Json* set : old_) {
      pods += std::max(number_at(*set, {"status", "replicas"}).value_or(0), wanted_of(*set)) +
              number_at(*set, {"status", "terminatingReplicas"}).value_or(0);
    }
    return pods;
  }

  void roll(bool paused) {
    const auto count = [](const Json& set) {
      return ReplicaCount{wanted_of(set),
                          number_at(set, {"status", "availableReplicas"}).value_or(0)};
    };
    std::vector<ReplicaCount> old;
    for (const Json* set : old_) old.push_back(count(*set));
    Scales next;
    if (paused) {
      // Only a lone set follows the number; what is half rolled out stays so.
      next.newest = std::all_of(old.begin(), old.end(), [](auto& c) { return c.wanted == 0; })
                        ? replicas_
                        : wanted_of(*newest_);
      for (const ReplicaCount& each : old) next.old.push_back(each.wanted);
    } else if (recreate_) {
      next.newest = old_pods() > 0 ? wanted_of(*newest_) : replicas_;
      next.old.assign(old.size(), 0);
    } else {
      next = rolling_scales(replicas_, limits_, count(*newest_), old);
    }
    set_scale(*newest_, next.newest, std::move(pending_));
    for (std::size_t i = 0; i < old_.size(); ++i) set_scale(*old_[i], next.old[i], std::nullopt);
  }

  void set_scale(const Json& set, std::int64_t replicas, std::optional<Json> changed) {
    const std::int64_t before = wanted_of(set);
    if (before == replicas && !changed) return;
    Json updated = changed ? *std::move(changed) : set;
    updated["spec"]["replicas"] = replicas;
    updated["metadata"]["annotations"][std::string(kDesired)] = std::to_string(replicas_);
    updated["metadata"]["annotations"][std::string(kMost)] =
        std::to_string(replicas_ + limits_.surge);
    decision_.actions.push_back(Update{std::move(updated)});
    if (before != replicas) tell_of_scale(kube::key_of(set).name, before, replicas);
  }

  void tell_of_scale(const std::string& set, std::int64_t from, std::int64_t to) {
    decision_.actions.push_back(
        RecordEvent{target_of(deployment_), "Normal", "ScalingReplicaSet",
                    std::string(to > from ? "Scaled up" : "Scaled down") + " replica set " + set +
                        " from " + std::to_string(from) + " to " + std::to_string(to)});
  }

  void clean_up() {
    const auto limit = number_at(deployment_, {"spec", "revisionHistoryLimit"}).value_or(10);
    std::vector<const Json*> unused;
    for (const Json* set : old_) {
      const bool settled = number_at(*set, {"status", "observedGeneration"}).value_or(0) >=
                           number_at(*set, {"metadata", "generation"}).value_or(0);
      if (wanted_of(*set) == 0 && settled && !kube::is_being_deleted(*set) &&
          number_at(*set, {"status", "replicas"}).value_or(0) == 0) {
        unused.push_back(set);
      }
    }
    std::sort(unused.begin(), unused.end(),
              [](const Json* a, const Json* b) { return revision_of(*a) < revision_of(*b); });
    const auto surplus =
        static_cast<std::int64_t>(unused.size()) - std::max<std::int64_t>(0, limit);
    for (std::int64_t i = 0; i < surplus; ++i) {
      const Json& set = *unused[static_cast<std::size_t>(i)];
      decision_.actions.push_back(
          Delete{target_of(set), std::string(text_at(set, {"metadata", "uid"}))});
    }
  }

  void write_status() {
    const DeploymentView view{deployment_, newest_,       old_,     replicas_,
                              limits_,     observed_.now, created_, collisions_};
    DeploymentStatus next = deployment_status(view);
    if (next.look_again_in) decision_.look_again(std::chrono::seconds(*next.look_again_in));
    if (next.status == kube::map_at(deployment_, {"status"})) return;
    Json updated = deployment_;
    updated["status"] = std::move(next.status);
    decision_.actions.push_back(UpdateStatus{std::move(updated)});
  }

  const DeploymentObserved& observed_;
  const Json& deployment_;
  const std::int64_t replicas_;
  const bool recreate_;
  const RolloutLimits limits_;
  const Json* newest_ = nullptr;
  std::vector<const Json*> old_;
  std::optional<Json> pending_;  // the newest set with other annotations
  std::string created_;
  std::optional<std::int64_t> collisions_;
  Decision decision_;
};

}  // namespace

Decision decide_deployment(const DeploymentObserved& observed) {
  return DeploymentDecider(observed).run();
}

Result<Json> rollback_to(const DeploymentObserved& observed, std::int64_t revision) {
  std::vector<const Json*> sets = owned_sets(observed);
  std::sort(sets.begin(), sets.end(),
            [](const Json* a, const Json* b) { return revision_of(*a) > revision_of(*b); });
  const Json* chosen = nullptr;
  if (revision == 0 && sets.size() > 1) chosen = sets[1];
  for (const Json* set : sets) {
    if (revision != 0 && revision_of(*set) == revision) chosen = set;
  }
  if (chosen == nullptr) {
    return not_found("deployment {} has no revision {} to go back to",
                     kube::key_of(observed.deployment).name, revision);
  }
  Json out = observed.deployment;
  out["spec"]["template"] = bare_template(*chosen);
  return out;
}

}  // namespace nacelle::control::workload
