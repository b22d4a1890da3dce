// merge_schema.h: how the fields of a kind merge, for strategic merge patch and server-side apply.
//
// A tree beside the object: for every place that differs from the common rule it says what is one
// value (atomic), what is a set, and by which keys the items of a list are the same item. Places
// that the tree does not name follow the common rule: maps merge by key, lists are one value.
//
// Kinds that are built in have tables (patch/builtin_tables.cc); kinds of a CRD bring a structural
// schema with x-kubernetes-* marks.
//
// Home:    immutable once built; any thread.
// Errors:  schema_from_openapi(): invalid_argument for marks that contradict each other.
// Bounds:  schemas nested deeper than kMaxMergeDepth are an error.
// Source:  kubernetes-api.md sections 12.2 and 18.2.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kube/object.h"

namespace nacelle::kube {

inline constexpr std::size_t kMaxMergeDepth = 200;

enum class ListType { kAtomic, kSet, kMap };

// One of the fields that make an item of a list unique.
struct ListKey {
  std::string name;
  Json default_value;  // what an item without that field means; null when it must be there
};

struct MergeSchema {
  // Maps and structs.
  bool atomic_map = false;    // server-side apply: one value
  bool replace_map = false;   // strategic merge: the patch replaces the map
  bool always_there = false;  // a struct that even an empty object has: nobody creates it
  bool free_form = false;     // unknown fields are kept and nothing is known of them
  bool quantity = false;      // a scalar such as "1Gi": spellings of the same amount are equal
  std::map<std::string, std::shared_ptr<const MergeSchema>, std::less<>> fields;

  // Lists; `items` are also the values of a map with free keys.
  ListType list = ListType::kAtomic;
  std::vector<ListKey> keys;   // of kMap
  std::string merge_key;       // strategic merge: "" replaces the list ...
  bool merge_scalars = false;  // ... unless its items are scalars that are united
  std::shared_ptr<const MergeSchema> items;

  // What is known of a field or an item; the common rule when nothing is.
  [[nodiscard]] const MergeSchema& field(std::string_view name) const;
  [[nodiscard]] const MergeSchema& item() const;
};

// The common rule everywhere.
[[nodiscard]] const MergeSchema& plain_schema();

// Of a kind with a table, by group ("" is core) and kind; null for others. All versions of a group
// share one table. Kinds that are CRDs elsewhere (Gateway API, inference, KServe) have one too.
[[nodiscard]] const MergeSchema* builtin_schema(std::string_view group, std::string_view kind);

// A type that is no kind of its own, such as "PodSpec"; null when unknown.
[[nodiscard]] const MergeSchema* builtin_type(std::string_view type);

// Of a CRD's openAPIV3Schema; `metadata` follows ObjectMeta.
[[nodiscard]] Result<MergeSchema> schema_from_openapi(const Json& schema);

}  // namespace nacelle::kube
