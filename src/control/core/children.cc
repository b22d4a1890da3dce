#include "control/core/children.h"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

#include "base/quantity.h"
#include "kube/merge_schema.h"

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

// The item of a keyed list that is the same one; null when it is not there.
const Json* same_item(const Json& list, const Json& wanted, const kube::MergeSchema& schema) {
  for (const Json& item : list) {
    const bool same =
        std::all_of(schema.keys.begin(), schema.keys.end(), [&](const kube::ListKey& key) {
          const auto value = [&](const Json& of) {
            return of.is_object() ? of.value(key.name, key.default_value) : Json();
          };
          return value(item) == value(wanted);
        });
    if (same) return &item;
  }
  return nullptr;
}

// Whether `seen` has all that `wanted` says. What an API server fills in, also inside of lists that
// merge as a whole, is no difference; what is gone from `wanted` shows in the digest.
bool holds(const Json& seen, const Json& wanted, const kube::MergeSchema& schema) {
  if (wanted.is_null()) return true;
  if (wanted.is_object()) {
    if (!seen.is_object()) return wanted.empty() && seen.is_null();
    return std::all_of(wanted.items().begin(), wanted.items().end(), [&](const auto& member) {
      const auto at = seen.find(member.key());
      return at == seen.end() ? member.value().is_null()
                              : holds(*at, member.value(), schema.field(member.key()));
    });
  }
  if (wanted.is_array()) {
    if (!seen.is_array()) return wanted.empty() && seen.is_null();
    if (schema.list == kube::ListType::kMap) {
      return std::all_of(wanted.begin(), wanted.end(), [&](const Json& item) {
        const Json* found = same_item(seen, item, schema);
        return found != nullptr && holds(*found, item, schema.item());
      });
    }
    if (schema.list == kube::ListType::kSet) {
      return std::all_of(wanted.begin(), wanted.end(), [&](const Json& item) {
        return std::find(seen.begin(), seen.end(), item) != seen.end();
      });
    }
    if (seen.size() != wanted.size()) return false;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (!holds(seen[i], wanted[i], schema.item())) return false;
    }
    return true;
  }
  return seen == wanted || (schema.quantity && Quantity::same(seen, wanted));
}

}  // namespace

bool covers(const Json& seen, const Json& wanted) { return holds(seen, wanted, schema_of(wanted)); }

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
