// compile.h: typed objects to a model: references resolved, routes attached, policies applied.
//
// A reference that leads nowhere is a problem of its own kind. Files are refused with it. Objects
// of an API are not: the rule's share of it answers 500, as Gateway API asks (gateway.md
// section 1.7).
//
// Home:    pure; any thread.
// Errors:  every problem with document, path and nearest name.
#pragma once

#include "base/result.h"
#include "gateway/config/model.h"
#include "gateway/config/objects.h"
#include "gateway/config/problems.h"

namespace nacelle::gateway {

inline constexpr const char* kControllerName = "nacelle.dev/gateway-controller";

enum class Unresolved : std::uint8_t { kRefuse, kAnswer500 };

[[nodiscard]] Result<GatewayModel> compile_model(const Objects& objects, Unresolved unresolved);

}  // namespace nacelle::gateway
