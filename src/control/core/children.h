// children.h: bringing the objects that a controller owns to those that it wants.
//
// A child is applied when it is absent, when what it was last made from differs (a digest in an
// annotation, so that a field that is no longer wanted is noticed), or when something else changed
// one of its wanted fields. A settled set decides nothing.
//
// Home:    pure.
// Bounds:  none of its own: as many actions as children.
#pragma once

#include <string>
#include <vector>

#include "control/core/decision.h"

namespace nacelle::control {

inline constexpr std::string_view kAppliedAnnotation = "nacelle.dev/applied-digest";

struct ChildrenPlan {
  std::vector<Action> actions;
  // Objects of a wanted name that somebody else controls: left alone.
  std::vector<Target> foreign;
};

// `observed` are objects of the kinds a controller makes, of its namespace; those that
// `owner_uid` controls and nobody wants are deleted.
[[nodiscard]] ChildrenPlan plan_children(const std::string& owner_uid, std::vector<Json> wanted,
                                         const std::vector<Json>& observed);

// Whether every field of `wanted` is in `seen` with the same value.
[[nodiscard]] bool covers(const Json& seen, const Json& wanted);

// The uid of the controller among the owners; "" when there is none.
[[nodiscard]] std::string controller_of(const Json& object);

// FNV-1a of the compact JSON, 16 hex digits.
[[nodiscard]] std::string digest_of(const Json& value);

}  // namespace nacelle::control
