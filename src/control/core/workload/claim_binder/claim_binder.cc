#include "control/core/workload/claim_binder/claim_binder.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "control/core/workload/claim_binder/binder_base.h"
#include "control/core/workload/claim_binder/local_path.h"
#include "control/core/workload/claim_binder/volume_keeper.h"
#include "control/core/workload/claim_binder/volume_match.h"
#include "control/core/workload/labels.h"

namespace nacelle::control::workload {
namespace {

using kube::text_at;

constexpr std::string_view kIsDefault = "storageclass.kubernetes.io/is-default-class";
constexpr std::string_view kSelectedNode = "volume.kubernetes.io/selected-node";
constexpr const char* kProvisioner = "volume.kubernetes.io/storage-provisioner";

bool older(const Json* a, const Json* b) {
  const auto made = [](const Json* object) {
    return text_at(*object, {"metadata", "creationTimestamp"});
  };
  if (made(a) != made(b)) return made(a) < made(b);
  return kube::key_of(*a) < kube::key_of(*b);
}

class Binder {
 public:
  Binder(const ClaimsObserved& observed, ClaimsMemory& memory)
      : observed_(observed), actions_(out_, memory) {
    std::set<std::string> alive;
    for (const auto* list : {&observed.claims, &observed.volumes}) {
      for (const Json& object : *list) alive.insert(uid_of(object));
    }
    std::erase_if(memory.told, [&](const auto& entry) { return !alive.contains(entry.first); });
  }

  ClaimsDecision run() {
    std::vector<const Json*> claims;
    for (const Json& claim : observed_.claims) claims.push_back(&claim);
    std::sort(claims.begin(), claims.end(), older);
    for (const Json* claim : claims) handle(*claim);
    for (const Json& volume : observed_.volumes) {
      if (!touched_.contains(&volume)) keep_volume(volume, observed_, actions_);
    }
    return std::move(out_);
  }

 private:
  void handle(const Json& claim) {
    if (kube::is_being_deleted(claim)) {
      if (!has_finalizer(claim, kClaimProtection) || is_in_use(claim)) return;
      Json freed = claim;
      drop_finalizer(freed, kClaimProtection);
      actions_.update(claim, std::move(freed));
      return;
    }
    if (!has_finalizer(claim, kClaimProtection)) {
      Json kept = claim;
      add_finalizer(kept, kClaimProtection);
      actions_.update(claim, std::move(kept));
      return;  // the rest when it is seen
    }
    const std::string_view name = text_at(claim, {"spec", "volumeName"});
    if (name.empty())
      look_for_volume(claim);
    else
      use_volume(claim, name);
  }

  // Pods that have a node and have not ended.
  bool is_in_use(const Json& claim) const { return consumer(claim, true) != nullptr; }

  const Json* consumer(const Json& claim, bool with_node) const {
    const kube::ObjectKey key = kube::key_of(claim);
    const Json* first = nullptr;
    for (const Json& pod : observed_.pods) {
      const std::string_view phase = text_at(pod, {"status", "phase"});
      if (kube::key_of(pod).name_space != key.name_space) continue;
      if (phase == "Succeeded" || phase == "Failed") continue;
      if (with_node && text_at(pod, {"spec", "nodeName"}).empty()) continue;
      const Json& volumes = kube::list_at(pod, {"spec", "volumes"});
      const bool uses = std::any_of(volumes.begin(), volumes.end(), [&](const Json& volume) {
        return text_at(volume, {"persistentVolumeClaim", "claimName"}) == key.name;
      });
      if (uses && (first == nullptr || older(&pod, first))) first = &pod;
    }
    return first;
  }

  const Json* volume_named(std::string_view name) const {
    for (const Json& volume : observed_.volumes) {
      if (kube::key_of(volume).name == name) return &volume;
    }
    return nullptr;
  }

  // A claim that names its volume: bound, or wished for.
  void use_volume(const Json& claim, std::string_view name) {
    const bool completed = has_annotation(claim, kBindCompleted);
    const Json* volume = volume_named(name);
    if (volume == nullptr) {
      if (completed) {
        lose(claim, "ClaimLost",
             "Bound claim has lost its PersistentVolume. Data on the volume is lost!");
      } else {
        actions_.tell(claim, "Warning", "FailedBinding",
                      "volume \"" + std::string(name) + "\" is not there yet");
      }
      return;
    }
    switch (refers_to(*volume, claim)) {
      case Refers::kYes:
        complete(claim, *volume);
        return;
      case Refers::kByName:
        take(claim, *volume, false);
        return;
      case Refers::kNo:
        break;
    }
    if (kube::find(*volume, {"spec", "claimRef"}) == nullptr) {
      if (const std::string problem = misfit(claim, *volume); problem.empty()) {
        take(claim, *volume, false);
      } else {
        actions_.tell(claim, "Warning", "VolumeMismatch",
                      "Cannot bind to requested volume \"" + std::string(name) + "\": " + problem);
      }
    } else if (completed) {
      lose(claim, "ClaimMisbound",
           "Two claims are bound to the same volume, this one is bound incorrectly");
    } else {
      actions_.tell(claim, "Warning", "FailedBinding",
                    "volume \"" + std::string(name) + "\" already bound to a different claim.");
    }
  }

  void lose(const Json& claim, const char* reason, const std::string& message) {
    Json status = kube::map_at(claim, {"status"});
    status["phase"] = "Lost";
    actions_.update_status(claim, std::move(status));
    actions_.tell(claim, "Warning", reason, message);
  }

  // Writes the claim into the volume; the claim follows when that is seen.
  void take(const Json& claim, const Json& volume, bool chosen) {
    if (kube::is_being_deleted(volume) || !touched_.insert(&volume).second) return;
    Json taken = volume;
    taken["spec"]["claimRef"] = reference_to(claim);
    if (chosen) taken["metadata"]["annotations"][kBoundByController] = "yes";
    actions_.update(volume, std::move(taken));
  }

  // The volume says that it is this claim's.
  void complete(const Json& claim, const Json& volume) {
    Json bound = claim;
    if (text_at(claim, {"spec", "volumeName"}).empty()) {
      bound["spec"]["volumeName"] = kube::key_of(volume).name;
      bound["metadata"]["annotations"][kBoundByController] = "yes";
    }
    bound["metadata"]["annotations"][kBindCompleted] = "yes";
    if (bound != claim) {
      actions_.update(claim, std::move(bound));
      return;
    }
    Json status = kube::map_at(claim, {"status"});
    status["phase"] = "Bound";
    status["accessModes"] = kube::list_at(volume, {"spec", "accessModes"});
    status["capacity"] = kube::map_at(volume, {"spec", "capacity"});
    actions_.update_status(claim, std::move(status));
  }

  const Json* default_class() const {
    const Json* best = nullptr;
    for (const Json& each : observed_.classes) {
      if (text_at(each, {"metadata", "annotations", kIsDefault}) != "true") continue;
      if (best == nullptr || older(best, &each)) best = &each;  // the newest one
    }
    return best;
  }

  const Json* class_named(const std::string& name) const {
    for (const Json& each : observed_.classes) {
      if (kube::key_of(each).name == name) return &each;
    }
    return nullptr;
  }

  void look_for_volume(const Json& claim) {
    // One that was made or kept for it.
    for (const Json& volume : observed_.volumes) {
      const Refers refers = refers_to(volume, claim);
      if (refers == Refers::kYes) return complete(claim, volume);
      if (refers == Refers::kByName && misfit(claim, volume).empty()) {
        return take(claim, volume, false);
      }
    }
    const std::string name = class_of(claim);
    const bool unsaid = kube::find(claim, {"spec", "storageClassName"}) == nullptr && name.empty();
    if (unsaid && default_class() != nullptr) {
      Json named = claim;
      named["spec"]["storageClassName"] = kube::key_of(*default_class()).name;
      actions_.update(claim, std::move(named));
      return;
    }
    const Json* storage_class = name.empty() ? nullptr : class_named(name);
    const bool delayed = storage_class != nullptr &&
                         text_at(*storage_class, {"volumeBindingMode"}) == "WaitForFirstConsumer";
    std::string node;
    if (delayed) {
      node = chosen_node(claim);
      if (node.empty()) return tell_that_it_waits(claim);
    }
    if (const Json* volume = smallest_match(claim, node); volume != nullptr) {
      return take(claim, *volume, true);
    }
    provision(claim, name, storage_class, node);
  }

  std::string chosen_node(const Json& claim) const {
    const std::string_view selected = text_at(claim, {"metadata", "annotations", kSelectedNode});
    if (!selected.empty()) return std::string(selected);
    const Json* pod = consumer(claim, true);
    return pod == nullptr ? "" : std::string(text_at(*pod, {"spec", "nodeName"}));
  }

  void tell_that_it_waits(const Json& claim) {
    const Json* pod = consumer(claim, false);
    if (pod == nullptr) {
      actions_.tell(claim, "Normal", "WaitForFirstConsumer",
                    "waiting for first consumer to be created before binding");
    } else {
      actions_.tell(claim, "Normal", "WaitForPodScheduled",
                    "waiting for pod " + kube::key_of(*pod).name + " to be scheduled");
    }
  }

  const Json* smallest_match(const Json& claim, const std::string& node) const {
    const Json* where = nullptr;
    for (const Json& each : observed_.nodes) {
      if (kube::key_of(each).name == node) where = &each;
    }
    const Json* selector = kube::find(claim, {"spec", "selector"});
    const Json* best = nullptr;
    for (const Json& volume : observed_.volumes) {
      if (touched_.contains(&volume) || kube::is_being_deleted(volume)) continue;
      if (kube::find(volume, {"spec", "claimRef"}) != nullptr) continue;
      if (!misfit(claim, volume).empty() || !is_reachable(volume, where)) continue;
      if (selector != nullptr && !selector->empty() && !selects(*selector, volume)) continue;
      const auto rank = [](const Json& each) {
        return std::pair(size_of_volume(each), kube::key_of(each).name);
      };
      if (best == nullptr || rank(volume) < rank(*best)) best = &volume;
    }
    return best;
  }

  void provision(const Json& claim, const std::string& name, const Json* storage_class,
                 const std::string& node) {
    if (name.empty()) {
      return actions_.tell(
          claim, "Normal", "FailedBinding",
          "no persistent volumes available for this claim and no storage class is set");
    }
    const auto refuse = [&](const std::string& message) {
      actions_.tell(claim, "Warning", "ProvisioningFailed", message);
    };
    if (storage_class == nullptr) {
      return refuse("storageclass.storage.k8s.io \"" + name + "\" not found");
    }
    const std::string provisioner(text_at(*storage_class, {"provisioner"}));
    if (provisioner == "kubernetes.io/no-provisioner") {
      return actions_.tell(claim, "Normal", "FailedBinding",
                           "no persistent volumes of the class " + name +
                               " are available, and the class makes none");
    }
    if (provisioner != kLocalPath) return wait_for_others(claim, provisioner);
    if (kube::find(claim, {"spec", "selector"}) != nullptr) {
      return refuse("claim.Spec.Selector is not supported by " + provisioner);
    }
    if (text_at(claim, {"spec", "volumeMode"}) == "Block") {
      return refuse("volumes of " + provisioner + " are folders: volumeMode Block is not possible");
    }
    if (observed_.folder.empty()) return refuse("there is no folder for volumes");
    Json volume = local_path_volume(claim, *storage_class, observed_.folder, node);
    const std::string made = kube::key_of(volume).name;
    actions_.act(Create{std::move(volume)});
    actions_.tell(claim, "Normal", "ProvisioningSucceeded",
                  "Successfully provisioned volume " + made + " using " + provisioner);
  }

  void wait_for_others(const Json& claim, const std::string& provisioner) {
    Json asked = claim;
    asked["metadata"]["annotations"][kProvisioner] = provisioner;
    actions_.update(claim, std::move(asked));
    actions_.tell(claim, "Normal", "ExternalProvisioning",
                  "Waiting for a volume to be created either by the external provisioner '" +
                      provisioner + "' or manually by the system administrator.");
  }

  const ClaimsObserved& observed_;
  ClaimsDecision out_;
  BinderActions actions_;
  std::set<const Json*> touched_;  // volumes that this decision writes
};

}  // namespace

ClaimsDecision bind_claims(const ClaimsObserved& observed, ClaimsMemory& memory) {
  return Binder(observed, memory).run();
}

}  // namespace nacelle::control::workload
