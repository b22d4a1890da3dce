#include "control/core/workload/deployment/deployment_status.h"

#include <algorithm>

#include "kube/time.h"

namespace nacelle::control::workload {
namespace {

using kube::number_at;
using kube::text_at;

struct Counts {
  std::int64_t all = 0, updated = 0, ready = 0, available = 0;
  friend bool operator==(const Counts&, const Counts&) = default;
};

Counts count(const DeploymentView& view) {
  Counts out;
  const auto add = [&](const Json& set) {
    out.all += number_at(set, {"status", "replicas"}).value_or(0);
    out.ready += number_at(set, {"status", "readyReplicas"}).value_or(0);
    out.available += number_at(set, {"status", "availableReplicas"}).value_or(0);
  };
  for (const Json* set : view.old) add(*set);
  if (view.newest != nullptr) {
    add(*view.newest);
    out.updated = number_at(*view.newest, {"status", "replicas"}).value_or(0);
  }
  return out;
}

Counts counts_of(const Json& status) {
  return {number_at(status, {"replicas"}).value_or(0),
          number_at(status, {"updatedReplicas"}).value_or(0),
          number_at(status, {"readyReplicas"}).value_or(0),
          number_at(status, {"availableReplicas"}).value_or(0)};
}

Json* condition_in(Json& list, std::string_view type) {
  for (Json& condition : list) {
    if (text_at(condition, {"type"}) == type) return &condition;
  }
  return nullptr;
}

// `touch`: something moved, so the deadline begins anew though status and reason stay.
void set_condition(Json& list, const char* type, const char* status, const char* reason,
                   const std::string& message, std::int64_t now, bool touch) {
  const std::string time = kube::timestamp(now);
  Json* old = condition_in(list, type);
  if (old != nullptr && text_at(*old, {"status"}) == status &&
      text_at(*old, {"reason"}) == reason) {
    if (touch && text_at(*old, {"message"}) != message) (*old)["message"] = message;
    if (touch) (*old)["lastUpdateTime"] = time;
    return;
  }
  Json condition = {{"type", type},       {"status", status},       {"reason", reason},
                    {"message", message}, {"lastUpdateTime", time}, {"lastTransitionTime", time}};
  if (old == nullptr) {
    list.push_back(std::move(condition));
    return;
  }
  if (text_at(*old, {"status"}) == status) {
    condition["lastTransitionTime"] = old->value("lastTransitionTime", time);
  }
  *old = std::move(condition);
}

class Progress {
 public:
  Progress(const DeploymentView& view, Json& conditions, const Counts& before, const Counts& now)
      : view_(view), conditions_(conditions), before_(before), now_(now) {}

  std::optional<std::int64_t> update() {
    const auto deadline = number_at(view_.deployment, {"spec", "progressDeadlineSeconds"});
    if (kube::bool_at(view_.deployment, {"spec", "paused"})) {
      set("Unknown", "DeploymentPaused", "Deployment is paused", false);
      return std::nullopt;
    }
    if (const Json* old = condition_in(conditions_, "Progressing");
        old != nullptr && text_at(*old, {"reason"}) == "DeploymentPaused") {
      set("Unknown", "DeploymentResumed", "Deployment is resumed", false);
    }
    if (!view_.created.empty()) {
      set("True", "NewReplicaSetCreated", "Created new replica set \"" + view_.created + "\"",
          true);
    } else if (view_.newest == nullptr) {
      return std::nullopt;
    } else if (is_complete()) {
      set("True", "NewReplicaSetAvailable", quoted() + " has successfully progressed.", false);
      return std::nullopt;
    } else if (moved()) {
      set("True", "ReplicaSetUpdated", quoted() + " is progressing.", true);
    }
    return deadline && *deadline > 0 ? watch_deadline(*deadline) : std::nullopt;
  }

 private:
  [[nodiscard]] std::string quoted() const {
    return "ReplicaSet \"" + kube::key_of(*view_.newest).name + "\"";
  }

  [[nodiscard]] bool is_complete() const {
    return now_.updated == view_.replicas && now_.all == view_.replicas &&
           now_.available == view_.replicas &&
           number_at(*view_.newest, {"spec", "replicas"}) == view_.replicas &&
           std::all_of(view_.old.begin(), view_.old.end(), [](const Json* set) {
             return number_at(*set, {"spec", "replicas"}).value_or(0) == 0;
           });
  }

  [[nodiscard]] bool moved() const {
    return now_.updated > before_.updated || now_.ready > before_.ready ||
           now_.available > before_.available ||
           now_.all - now_.updated < before_.all - before_.updated;
  }

  std::optional<std::int64_t> watch_deadline(std::int64_t deadline) {
    const Json* progressing = condition_in(conditions_, "Progressing");
    if (progressing == nullptr) {
      set("True", "ReplicaSetUpdated", quoted() + " is progressing.", true);
      return deadline;
    }
    if (text_at(*progressing, {"status"}) == "False") return std::nullopt;
    // A rollout that was complete and is no longer, as a pod that died: no rollout hangs.
    if (text_at(*progressing, {"reason"}) == "NewReplicaSetAvailable") return std::nullopt;
    const auto since =
        kube::parse_timestamp(text_at(*progressing, {"lastUpdateTime"})).value_or(view_.now);
    const std::int64_t left = since + deadline - view_.now;
    if (left > 0) return left;
    const std::string who = view_.newest == nullptr ? "" : quoted() + " ";
    set("False", "ProgressDeadlineExceeded", who + "has timed out progressing.", false);
    return std::nullopt;
  }

  void set(const char* status, const char* reason, const std::string& message, bool touch) {
    set_condition(conditions_, "Progressing", status, reason, message, view_.now, touch);
  }

  const DeploymentView& view_;
  Json& conditions_;
  const Counts before_, now_;
};

void copy_failure(const DeploymentView& view, Json& conditions) {
  const Json* failure = nullptr;
  if (view.newest != nullptr) {
    for (const Json& condition : kube::list_at(*view.newest, {"status", "conditions"})) {
      if (text_at(condition, {"type"}) == "ReplicaFailure") failure = &condition;
    }
  }
  if (failure != nullptr) {
    set_condition(conditions, "ReplicaFailure", "True", "FailedCreate",
                  std::string(text_at(*failure, {"message"})), view.now, false);
    return;
  }
  for (auto at = conditions.begin(); at != conditions.end();) {
    at = text_at(*at, {"type"}) == "ReplicaFailure" ? conditions.erase(at) : std::next(at);
  }
}

}  // namespace

DeploymentStatus deployment_status(const DeploymentView& view) {
  DeploymentStatus out{kube::map_at(view.deployment, {"status"}), std::nullopt};
  const Counts before = counts_of(out.status);
  const Counts now = count(view);
  const auto put = [&](const char* name, std::int64_t value) {
    if (value == 0)
      out.status.erase(name);
    else
      out.status[name] = value;
  };
  put("replicas", now.all);
  put("updatedReplicas", now.updated);
  put("readyReplicas", now.ready);
  put("availableReplicas", now.available);
  put("unavailableReplicas",
      std::max<std::int64_t>(0, std::max(now.all, view.replicas) - now.available));
  if (view.collisions) out.status["collisionCount"] = *view.collisions;
  if (const auto generation = number_at(view.deployment, {"metadata", "generation"})) {
    out.status["observedGeneration"] = *generation;
  }
  Json conditions = kube::list_at(view.deployment, {"status", "conditions"});
  const bool enough = now.available >= view.replicas - view.limits.unavailable;
  set_condition(conditions, "Available", enough ? "True" : "False",
                enough ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
                enough ? "Deployment has minimum availability."
                       : "Deployment does not have minimum availability.",
                view.now, false);
  out.look_again_in = Progress(view, conditions, before, now).update();
  copy_failure(view, conditions);
  out.status["conditions"] = std::move(conditions);
  return out;
}

}  // namespace nacelle::control::workload
