// strategic_list.h: one list under a strategic merge patch, with its order.
//
// Home:    pure.
// Errors:  internal (500) as the API server words them.
// Source:  kubernetes-api.md section 12.1. The order is that of client-go: items that the patch
//          names stay in its order, the others in the order they have, and where nothing says which
//          goes first the patch does.
#pragma once

#include <string_view>

#include "base/status.h"
#include "kube/merge_schema.h"
#include "kube/object.h"
#include "kube/patch/go_text.h"

namespace nacelle::kube {

inline constexpr std::string_view kSetElementOrder = "$setElementOrder/";
inline constexpr std::string_view kDeleteFromPrimitiveList = "$deleteFromPrimitiveList/";

struct ListPatch {
  Json items;   // the list itself; null when the patch has none
  Json order;   // of $setElementOrder; null when absent
  Json remove;  // of $deleteFromPrimitiveList; null when absent
};

[[nodiscard]] Status strategic_merge_list(Json& target, ListPatch patch, const MergeSchema& schema);
// Of a map; in strategic_merge.cc.
[[nodiscard]] Status strategic_merge_map(Json& target, Json patch, const MergeSchema& schema);

}  // namespace nacelle::kube
