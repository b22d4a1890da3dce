// field_set.h: a set of places in an object, as managedFields write it.
//
// A tree whose edges are the path elements in their written form: f:<name>, k:<keys>, v:<value>,
// i:<index>. A node is a member when the place itself is in the set: a leaf always is, a node with
// children is when it is written with ".".
//
// Home:    pure.
// Errors:  parse(): invalid_argument.
// Bounds:  kMaxMergeDepth.
// Source:  kubernetes-api.md section 13.3.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kube/object.h"

namespace nacelle::kube {

struct FieldSet {
  bool member = false;
  std::map<std::string, FieldSet, std::less<>> children;

  [[nodiscard]] bool empty() const { return !member && children.empty(); }
  [[nodiscard]] const FieldSet* child(std::string_view element) const {
    const auto at = children.find(element);
    return at == children.end() ? nullptr : &at->second;
  }
  friend bool operator==(const FieldSet&, const FieldSet&) = default;
};

[[nodiscard]] FieldSet unite(FieldSet a, const FieldSet& b);
[[nodiscard]] FieldSet intersect(const FieldSet& a, const FieldSet& b);
// The members of a that are no members of b.
[[nodiscard]] FieldSet subtract(const FieldSet& a, const FieldSet& b);

[[nodiscard]] Result<FieldSet> parse_field_set(const Json& fields_v1);
[[nodiscard]] Json to_fields_v1(const FieldSet& set);

// `.spec.containers[name="a"].image` of every member, in the order of messages.
[[nodiscard]] std::vector<std::string> paths_of(const FieldSet& set);

}  // namespace nacelle::kube
