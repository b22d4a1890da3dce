#include "control/core/workload/claim_binder/volume_match.h"

#include <algorithm>

#include "base/quantity.h"
#include "control/core/workload/labels.h"

namespace nacelle::control::workload {
namespace {

using kube::Json;
using kube::text_at;

constexpr std::string_view kOldClass = "volume.beta.kubernetes.io/storage-class";

std::int64_t amount_at(const Json& object, kube::Path path) {
  const Json* value = kube::find(object, path);
  if (value == nullptr) return 0;
  const auto amount = Quantity::from_json(*value);
  return amount.ok() ? amount->value() : 0;
}

std::string_view mode_of(const Json& object) {
  const std::string_view mode = text_at(object, {"spec", "volumeMode"});
  return mode.empty() ? "Filesystem" : mode;
}

bool matches_fields(const Json& term, const Json& node) {
  for (const Json& field : kube::list_at(term, {"matchFields"})) {
    const Json& values = kube::list_at(field, {"values"});
    const bool in =
        std::find(values.begin(), values.end(), Json(kube::key_of(node).name)) != values.end();
    if (text_at(field, {"key"}) != "metadata.name") return false;
    if (in != (text_at(field, {"operator"}) == "In")) return false;
  }
  return true;
}

}  // namespace

std::string class_of(const Json& object) {
  const std::string_view name = text_at(object, {"spec", "storageClassName"});
  if (!name.empty()) return std::string(name);
  return std::string(text_at(object, {"metadata", "annotations", kOldClass}));
}

std::int64_t size_of_volume(const Json& volume) {
  return amount_at(volume, {"spec", "capacity", "storage"});
}

std::string misfit(const Json& claim, const Json& volume) {
  if (size_of_volume(volume) < amount_at(claim, {"spec", "resources", "requests", "storage"})) {
    return "requested PV is too small";
  }
  if (class_of(volume) != class_of(claim)) return "storageClassName does not match";
  if (mode_of(volume) != mode_of(claim)) return "incompatible volumeMode";
  const Json& offered = kube::list_at(volume, {"spec", "accessModes"});
  for (const Json& mode : kube::list_at(claim, {"spec", "accessModes"})) {
    if (std::find(offered.begin(), offered.end(), mode) == offered.end()) {
      return "incompatible accessMode";
    }
  }
  return "";
}

bool is_reachable(const Json& volume, const Json* node) {
  const Json& terms =
      kube::list_at(volume, {"spec", "nodeAffinity", "required", "nodeSelectorTerms"});
  if (node == nullptr || terms.empty()) return true;
  return std::any_of(terms.begin(), terms.end(), [&](const Json& term) {
    const Json& expressions = kube::list_at(term, {"matchExpressions"});
    if (expressions.empty() && kube::list_at(term, {"matchFields"}).empty()) return false;
    return (expressions.empty() || selects({{"matchExpressions", expressions}}, *node)) &&
           matches_fields(term, *node);
  });
}

Refers refers_to(const Json& volume, const Json& claim) {
  const Json& reference = kube::map_at(volume, {"spec", "claimRef"});
  const kube::ObjectKey key = kube::key_of(claim);
  if (reference.empty() || text_at(reference, {"name"}) != key.name ||
      text_at(reference, {"namespace"}) != key.name_space) {
    return Refers::kNo;
  }
  const std::string_view uid = text_at(reference, {"uid"});
  if (uid.empty()) return Refers::kByName;
  return uid == text_at(claim, {"metadata", "uid"}) ? Refers::kYes : Refers::kNo;
}

Json reference_to(const Json& claim) {
  const kube::ObjectKey key = kube::key_of(claim);
  return {{"apiVersion", "v1"},
          {"kind", "PersistentVolumeClaim"},
          {"namespace", key.name_space},
          {"name", key.name},
          {"uid", text_at(claim, {"metadata", "uid"})}};
}

}  // namespace nacelle::control::workload
