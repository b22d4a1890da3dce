#include "router/filter/role/role.h"

namespace nacelle::router {

bool role_does(const std::string* role, Stage stage) {
  if (role == nullptr) return stage == Stage::kDecode;
  if (*role == "encode-prefill-decode") return true;
  switch (stage) {
    case Stage::kEncode:
      return *role == "encode" || *role == "encode-prefill";
    case Stage::kPrefill:
      return *role == "prefill" || *role == "encode-prefill" || *role == "prefill-decode" ||
             *role == "both";
    case Stage::kDecode:
      return *role == "decode" || *role == "prefill-decode" || *role == "both";
  }
  return false;
}

void RoleFilter::filter(const PickContext& context, Candidates& candidates) const {
  candidates.keep_if([&](std::uint32_t position) {
    return role_does(context.endpoint(position).label(kRoleLabel), stage_);
  });
}

}  // namespace nacelle::router
