// RFC 7386, and the depth that all patches are bounded by.
#include <algorithm>

#include "kube/patch.h"

namespace nacelle::kube {
namespace {

void merge(Json& target, const Json& patch) {
  if (!patch.is_object()) {
    target = patch;
    return;
  }
  if (!target.is_object()) target = Json::object();
  for (const auto& [name, value] : patch.items()) {
    if (value.is_null()) {
      target.erase(name);
    } else {
      merge(target[name], value);
    }
  }
}

}  // namespace

std::size_t nesting_of(const Json& value, std::size_t most) {
  if (!value.is_structured() || value.empty()) return value.is_structured() ? 1 : 0;
  if (most == 0) return 1;
  std::size_t deepest = 0;
  for (const Json& child : value) {
    deepest = std::max(deepest, nesting_of(child, most - 1));
    if (deepest > most - 1) break;
  }
  return deepest + 1;
}

Result<Json> merge_patch(Json object, const Json& patch) {
  if (nesting_of(object) > kMaxMergeDepth || nesting_of(patch) > kMaxMergeDepth) {
    return out_of_range("the patch or its object nests deeper than {}", kMaxMergeDepth);
  }
  merge(object, patch);
  return object;
}

}  // namespace nacelle::kube
