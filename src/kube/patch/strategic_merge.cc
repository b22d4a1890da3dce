// Strategic merge: maps by key, lists of the schema by merge key, and the directives.
#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "kube/patch.h"
#include "kube/patch/strategic_list.h"

namespace nacelle::kube {
namespace {

constexpr std::string_view kDirective = "$patch";
constexpr std::string_view kRetainKeys = "$retainKeys";

// Drops the keys of `target` that the patch does not retain.
Status retain_keys(Json& target, const Json& keys, const Json& patch) {
  if (!keys.is_array()) return failed_precondition("$retainKeys must be a list");
  for (const auto& [name, value] : patch.items()) {
    if (!value.is_null() && std::find(keys.begin(), keys.end(), Json(name)) == keys.end()) {
      return internal("$retainKeys does not name {}, which the patch sets", name);
    }
  }
  for (auto at = target.begin(); at != target.end();) {
    const bool kept = std::find(keys.begin(), keys.end(), Json(at.key())) != keys.end();
    at = kept ? std::next(at) : target.erase(at);
  }
  return {};
}

// What one patch says of one list, collected from its up to three keys.
struct ListPatches {
  std::map<std::string, ListPatch> by_field;
};

// Takes the keys that begin with $ out of `patch`.
Result<ListPatches> take_list_directives(Json& patch) {
  ListPatches lists;
  for (auto at = patch.begin(); at != patch.end();) {
    const std::string& key = at.key();
    const auto take = [&](std::string_view prefix, Json ListPatch::*member) -> bool {
      if (!key.starts_with(prefix)) return false;
      lists.by_field[key.substr(prefix.size())].*member = *at;
      return true;
    };
    if (take(kSetElementOrder, &ListPatch::order) ||
        take(kDeleteFromPrimitiveList, &ListPatch::remove)) {
      if (!at->is_array()) {
        return failed_precondition("{} must be a list, got {}", key, at->type_name());
      }
      at = patch.erase(at);
    } else {
      ++at;
    }
  }
  for (auto& [field, list] : lists.by_field) {
    const auto items = patch.find(field);
    if (items == patch.end()) continue;
    if (items->is_null()) {
      list.order = Json();  // the list goes: nothing to order
      continue;
    }
    if (!items->is_array()) return failed_precondition("{} must be a list", field);
    list.items = std::move(*items);
    patch.erase(items);
  }
  return lists;
}

}  // namespace

Status strategic_merge_map(Json& target, Json patch, const MergeSchema& schema) {
  if (const auto at = patch.find(kDirective); at != patch.end()) {
    const Json directive = *at;
    patch.erase(at);
    if (directive == "delete") {
      target = Json::object();
      return {};
    }
    if (directive == "replace") {
      target = Json::object();
    } else if (directive != "merge") {
      return internal("unknown patch type: {} in map: {}", go_text(directive), go_text(patch));
    }
  } else if (schema.replace_map) {
    target = Json::object();
  }
  if (!target.is_object()) target = Json::object();
  Json retained;
  if (const auto at = patch.find(kRetainKeys); at != patch.end()) {
    retained = std::move(*at);
    patch.erase(at);
  }
  ASSIGN_OR_RETURN(ListPatches lists, take_list_directives(patch));
  if (!retained.is_null()) {
    Json named = patch;
    for (const auto& [field, list] : lists.by_field) named[field] = list.items;
    RETURN_IF_ERROR(retain_keys(target, retained, named));
  }
  for (auto& [name, value] : patch.items()) {
    const MergeSchema& field = schema.field(name);
    if (value.is_null()) {
      target.erase(name);
    } else if (value.is_object()) {
      RETURN_IF_ERROR(strategic_merge_map(target[name], std::move(value), field));
    } else if (value.is_array()) {
      RETURN_IF_ERROR(strategic_merge_list(target[name], {.items = std::move(value)}, field));
    } else {
      target[name] = std::move(value);
    }
  }
  for (auto& [name, list] : lists.by_field) {
    if (!target.contains(name) && list.items.is_null()) continue;
    RETURN_IF_ERROR(strategic_merge_list(target[name], std::move(list), schema.field(name)));
  }
  return {};
}

Result<Json> strategic_merge_patch(Json object, const Json& patch, const MergeSchema& schema) {
  if (!patch.is_object()) {
    return invalid_argument("error decoding patch: a strategic merge patch is a map, got {}",
                            patch.type_name());
  }
  if (nesting_of(object) > kMaxMergeDepth || nesting_of(patch) > kMaxMergeDepth) {
    return out_of_range("the patch or its object nests deeper than {}", kMaxMergeDepth);
  }
  RETURN_IF_ERROR(strategic_merge_map(object, patch, schema));
  return object;
}

}  // namespace nacelle::kube
