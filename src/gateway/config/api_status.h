// api_status.h: the status that GatewayClasses, Gateways, HTTPRoutes and InferencePools should
// have, from what became of them.
//
// Only what is ours is touched: classes of our controller and their Gateways, and of routes and
// pools the entries of parents that are such Gateways. A condition's transition time moves when its
// status does.
//
// Home:    pure; any thread.
// Source:  gateway.md sections 1.7, 2 and 4.1.
#pragma once

#include <string>
#include <vector>

#include "gateway/config/api_model.h"
#include "gateway/unserved_port.h"

namespace nacelle::gateway {

struct StatusWrite {
  ApiObject object;       // as it was read: kind, apiVersion, name, resourceVersion
  nlohmann::json status;  // what its status is to be
};

struct StatusFacts {
  const CompileReport& report;
  Status in_force;                     // why the model was refused, or OK
  std::vector<UnservedPort> unserved;  // of the model in force
  std::vector<std::string> addresses;  // under which clients reach the gateways
  std::string now;                     // RFC 3339
};

// Those whose status differs from what it should be; nothing when all is as told before.
// `objects` are those that the model was made of.
[[nodiscard]] std::vector<StatusWrite> statuses_of(const std::vector<ApiObject>& objects,
                                                   const StatusFacts& facts);

}  // namespace nacelle::gateway
