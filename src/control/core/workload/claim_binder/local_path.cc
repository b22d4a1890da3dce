#include "control/core/workload/claim_binder/local_path.h"

#include "control/core/workload/claim_binder/binder_base.h"
#include "control/core/workload/claim_binder/volume_match.h"

namespace nacelle::control::workload {

Json local_path_volume(const Json& claim, const Json& storage_class, const std::string& folder,
                       std::string_view node) {
  const kube::ObjectKey key = kube::key_of(claim);
  const std::string name = "pvc-" + uid_of(claim);
  std::string path = folder + "/";
  if (!node.empty()) path += std::string(node) + "/";
  path += name + "_" + key.name_space + "_" + key.name;
  const std::string_view policy = kube::text_at(storage_class, {"reclaimPolicy"});
  Json spec = {
      {"capacity", {{"storage", *kube::find(claim, {"spec", "resources", "requests", "storage"})}}},
      {"accessModes", kube::list_at(claim, {"spec", "accessModes"})},
      {"persistentVolumeReclaimPolicy", policy.empty() ? "Delete" : policy},
      {"storageClassName", kube::key_of(storage_class).name},
      {"volumeMode", "Filesystem"},
      {"hostPath", {{"path", std::move(path)}, {"type", "DirectoryOrCreate"}}},
      {"claimRef", reference_to(claim)}};
  if (!node.empty()) {
    const Json expression = {
        {"key", "kubernetes.io/hostname"}, {"operator", "In"}, {"values", Json::array({node})}};
    const Json term = {{"matchExpressions", Json::array({expression})}};
    spec["nodeAffinity"]["required"]["nodeSelectorTerms"] = Json::array({term});
  }
  return {{"apiVersion", "v1"},
          {"kind", "PersistentVolume"},
          {"metadata",
           {{"name", name},
            {"annotations", {{kProvisionedBy, kLocalPath}}},
            {"finalizers", Json::array({kVolumeProtection})}}},
          {"spec", std::move(spec)}};
}

}  // namespace nacelle::control::workload
