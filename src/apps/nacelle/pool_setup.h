// pool_setup.h: what an InferencePool's picker is made from: its EndpointPickerConfig, or its
// policy.
//
// Home:    pure.
// Errors:  invalid_argument, which names the pool: an unknown policy; what load_router_setup() says
//          of a configuration.
#pragma once

#include "gateway/config/model.h"
#include "router/config/router_setup.h"

namespace nacelle::apps {

[[nodiscard]] Result<router::RouterSetup> load_pool_setup(const gateway::ClusterConfig& config,
                                                          bool allow_experimental_plugins);

// Pools of files must have endpoints.
[[nodiscard]] Status check_endpoints(const gateway::ClusterConfig& config);

// What would refuse the model without a port being opened: pickers that cannot be made,
// certificates that cannot be served. All problems, one per line.
[[nodiscard]] Status check_model(const gateway::GatewayModel& model,
                                 bool allow_experimental_plugins);

}  // namespace nacelle::apps
