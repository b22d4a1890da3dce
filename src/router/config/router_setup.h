// router_setup.h: from the text of an EndpointPickerConfig to everything a router is made of.
//
//   auto setup = load_router_setup(text, "epp.yaml", {.allow_experimental_plugins = true});
//   Router router(std::move(setup->schedule));
//   flow::FlowController flow(setup->flow_control, ...);
//
// An empty text gives upstream's defaults: queue 2, KV use 2, prefix 3, one profile.
//
// Home:    one load; the result is handed out in parts.
// Errors:  invalid_argument with a line per problem: `epp.yaml:plugins[2].parameters.lruSiz:
// unknown
//          field 'lruSiz'; did you mean 'lruSize'?`
// Source:  router.md section 7 (defaulting and validation).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "router/config/data_layer.h"
#include "router/flow/flow_config.h"
#include "router/producer/token/token.h"
#include "router/schedule.h"

namespace nacelle::router {

struct RouterSetup {
  Schedule schedule;
  flow::FlowControlConfig flow_control;
  DataLayerConfig data_layer;
  std::vector<std::string> parsers;  // types, in the order they are asked
  TokenProducerConfig tokens;
  // agent-identity is configured: an agent's own session header names the flow of a request.
  bool use_agent_session = false;
  std::vector<std::string> agent_session_headers;  // further ones, asked first
  bool echo_served_endpoint = false;               // destination-endpoint-served-verifier
  bool populate_non_leader_datastore = true;
  // Deprecated types in use, and settings without effect, with their paths.
  std::vector<std::string> warnings;
  std::string text;  // what it was made from
};

struct SetupOptions {
  bool allow_experimental_plugins = false;
};

[[nodiscard]] Result<RouterSetup> load_router_setup(std::string_view text, std::string_view file,
                                                    SetupOptions options = {});

}  // namespace nacelle::router
