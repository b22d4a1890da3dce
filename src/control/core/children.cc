#include "control/core/children.h"

#include <algorithm>
#include <cstdint>

#include "kube/patch.h"

namespace nacelle::control {
namespace {

using kube::text_at;

const kube::MergeSchema& schema_of(const Json& object) {
  const std::string_view api = text_at(object, {"apiVersion"});
  const std::size_t slash = api.find('/');
  const kube::MergeSchema* schema = kube::builtin_schema(
      slash == api.npos ? "" : api.substr(0, slash), text_at(object, {"kind"}));
  return schema == nullptr ? kube::plain_schema() : *schema;
}

// Applies of a pod template go to nobody else's fields, so "is it there" is: would a forced apply
// of a manager that owns nothing yet change a value?
bool same_after_apply(const Json& seen, const Json& wanted) {
  Json bare = seen;
  if (bare.contains("metadata")) bare["metadata"].erase("managedFields");
  const kube::Writer writer{.manager = "look",
                            .api_version = std::string(text_at(wanted, {"apiVersion"}))};
  auto applied =
      kube::server_side_apply(&bare, wanted, writer, kube::Force::kYes, schema_of(wanted));
  if (!applied.ok()) return false;
  applied->object["metadata"].erase("managedFields");
  return applied->object == bare;
}

}  // namespace

bool covers(const Json& seen, const Json& wanted) { return same_after_apply(seen, wanted); }

std::string controller_of(const Json& object) {
  for (const Json& owner : kube::list_at(object, {"metadata", "ownerReferences"})) {
    if (kube::bool_at(owner, {"controller"})) return std::string(text_at(owner, {"uid"}));
  }
  return "";
}

std::string digest_of(const Json& value) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : value.dump(-1, ' ', false, Json::error_handler_t::replace)) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return fmt::format("{:016x}", hash);
}

ChildrenPlan plan_children(const std::string& owner_uid, std::vector<Json> wanted,
                           const std::vector<Json>& observed) {
  ChildrenPlan plan;
  const auto find_seen = [&](const Target& target) {
    return std::find_if(observed.begin(), observed.end(),
                        [&](const Json& object) { return target_of(object) == target; });
  };
  std::vector<Target> kept;
  for (Json& child : wanted) {
    const Target target = target_of(child);
    kept.push_back(target);
    const std::string digest = digest_of(child);
    child["metadata"]["annotations"][std::string(kAppliedAnnotation)] = digest;
    const auto seen = find_seen(target);
    if (seen == observed.end()) {
      plan.actions.push_back(Apply{std::move(child)});
      continue;
    }
    const std::string controller = controller_of(*seen);
    const bool owned = child["metadata"].contains("ownerReferences");
    if (owned && controller != owner_uid) {
      plan.foreign.push_back(target);
      continue;
    }
    if (kube::is_being_deleted(*seen)) continue;  // made again when it is gone
    if (!covers(*seen, child)) plan.actions.push_back(Apply{std::move(child)});
  }
  for (const Json& object : observed) {
    const Target target = target_of(object);
    if (controller_of(object) != owner_uid || kube::is_being_deleted(object)) continue;
    if (std::find(kept.begin(), kept.end(), target) != kept.end()) continue;
    plan.actions.push_back(Delete{target, std::string(text_at(object, {"metadata", "uid"}))});
  }
  return plan;
}

}  // namespace nacelle::control
