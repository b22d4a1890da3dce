// route.h: the HTTPRoute of a service, alone or in a traffic group.
//
// Rules below /<namespace>/<name> stay a member's own; all others, by publisher path and by header,
// reach every member of the group by weight.
//
// Home:    pure.
// Source:  kserve.md sections A13 and A14; new routes start with the v1 pool (A22 row 16).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/core/kserve/objects.h"

namespace nacelle::control::kserve {

// A service of the same routing group, as its own status shows it.
struct Member {
  std::string name;
  std::int64_t weight = 0;
  bool stopped = false;
  bool deleting = false;
  bool ready = false;  // RouterReady and every workload that it has, has a ready replica
  Json backend;        // backendRef without weight
  std::vector<std::string> models;  // sorted names that it serves
};

// Of another service of the namespace; nothing when it is in no group.
[[nodiscard]] std::optional<Member> member_of(const Json& service);

// The backend by which others reach this service.
[[nodiscard]] Json group_backend(const Owner& owner);

struct Group {
  std::vector<Member> peers;  // others of the group
  bool model_routing = true;  // keep rules that match the model header
};

// Nothing when the service has no managed route.
[[nodiscard]] std::optional<Json> route_object(const Owner& owner, const Group& group);

// Members that get traffic, this one first; and why one that could is left out.
struct Eligible {
  std::vector<Member> members;
  std::string divergence;  // "" or names of members that serve other models
};
[[nodiscard]] Eligible eligible_members(const Owner& owner, const std::vector<Member>& peers);

}  // namespace nacelle::control::kserve
