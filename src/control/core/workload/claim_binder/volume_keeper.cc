#include "control/core/workload/claim_binder/volume_keeper.h"

#include <utility>

#include "control/core/workload/claim_binder/volume_match.h"
#include "kube/time.h"

namespace nacelle::control::workload {
namespace {

using kube::text_at;

struct Phase {
  const char* name;
  std::string reason, message;
};

class VolumeKeeper {
 public:
  VolumeKeeper(const Json& volume, const ClaimsObserved& observed, BinderActions& actions)
      : volume_(volume), name_(kube::key_of(volume).name), observed_(observed), actions_(actions) {}

  void run() {
    const bool named = kube::find(volume_, {"spec", "claimRef"}) != nullptr;
    const bool waits_for_claim = text_at(volume_, {"spec", "claimRef", "uid"}).empty();
    const Json* claim = named ? claim_of() : nullptr;
    if (kube::is_being_deleted(volume_)) {
      // Bound ones stay until their claim is gone.
      if (claim != nullptr && !waits_for_claim) return set_phase({"Bound", "", ""});
      if (!has_finalizer(volume_, kVolumeProtection)) return;
      Json freed = volume_;
      drop_finalizer(freed, kVolumeProtection);
      actions_.update(volume_, std::move(freed));
      return;
    }
    if (!has_finalizer(volume_, kVolumeProtection)) {
      Json kept = volume_;
      add_finalizer(kept, kVolumeProtection);
      actions_.update(volume_, std::move(kept));
      return;  // the rest when it is seen
    }
    if (!named || waits_for_claim) return set_phase({"Available", "", ""});
    if (claim == nullptr) return released();
    const std::string_view chosen = text_at(*claim, {"spec", "volumeName"});
    if (chosen == name_) return set_phase({"Bound", "", ""});
    if (chosen.empty()) return set_phase({"Available", "", ""});  // about to be bound
    give_back();
  }

 private:
  const Json* claim_of() const {
    for (const Json& claim : observed_.claims) {
      if (refers_to(volume_, claim) != Refers::kNo) return &claim;
    }
    return nullptr;
  }

  // The claim went with another volume.
  void give_back() {
    if (text_at(volume_, {"metadata", "annotations", kProvisionedBy}) == kLocalPath) {
      return released();  // made for that claim alone
    }
    Json freed = volume_;
    if (has_annotation(volume_, kBoundByController)) {
      freed["spec"].erase("claimRef");
      freed["metadata"]["annotations"].erase(kBoundByController);
    } else {
      freed["spec"]["claimRef"].erase("uid");  // somebody reserved it: that stays
    }
    actions_.update(volume_, std::move(freed));
  }

  void released() {
    const std::string_view policy = text_at(volume_, {"spec", "persistentVolumeReclaimPolicy"});
    if (policy == "Retain" || policy.empty()) return set_phase({"Released", "", ""});
    if (policy != "Delete") {
      return failed("the reclaim policy " + std::string(policy) + " is not supported");
    }
    const std::string path(text_at(volume_, {"spec", "hostPath", "path"}));
    const bool ours = text_at(volume_, {"metadata", "annotations", kProvisionedBy}) == kLocalPath;
    const bool inside = !observed_.folder.empty() && path.starts_with(observed_.folder + "/") &&
                        path.find("/..") == std::string::npos;
    if (!ours || !inside) {
      return failed("the volume is none of " + std::string(kLocalPath) +
                    ": its data is left alone, delete the PersistentVolume when you are done");
    }
    const auto refused = observed_.failed_removals.find(name_);
    if (refused != observed_.failed_removals.end()) {
      failed("cannot remove " + path + ": " + refused->second);
    } else {
      set_phase({"Released", "", ""});
    }
    actions_.reclaim({path, Delete{target_of(volume_), uid_of(volume_)}});
  }

  void failed(const std::string& message) {
    set_phase({"Failed", "VolumeFailedDelete", message});
    actions_.tell(volume_, "Warning", "VolumeFailedDelete", message);
  }

  void set_phase(const Phase& phase) {
    Json status = kube::map_at(volume_, {"status"});
    const auto put = [&](const char* name, const std::string& value) {
      if (value.empty())
        status.erase(name);
      else
        status[name] = value;
    };
    if (text_at(status, {"phase"}) != phase.name) {
      status["phase"] = phase.name;
      status["lastPhaseTransitionTime"] = kube::timestamp(observed_.now);
    }
    put("reason", phase.reason);
    put("message", phase.message);
    actions_.update_status(volume_, std::move(status));
  }

  const Json& volume_;
  const std::string name_;
  const ClaimsObserved& observed_;
  BinderActions& actions_;
};

}  // namespace

void keep_volume(const Json& volume, const ClaimsObserved& observed, BinderActions& actions) {
  VolumeKeeper(volume, observed, actions).run();
}

}  // namespace nacelle::control::workload
