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
#include "gateway/config/report.h"

namespace nacelle::gateway {

inline constexpr const char* kControllerName = "nacelle.dev/gateway-controller";

[[nodiscard]] Result<GatewayModel> compile_model(const Objects& objects);

// The same for objects of an API, each of which has an author of its own: what is wrong is left
// out, told in `problems` and by object in `report`, and nothing else suffers.
[[nodiscard]] GatewayModel compile_what_holds(const Objects& objects, Problems& problems,
                                              CompileReport& report);

}  // namespace nacelle::gateway
