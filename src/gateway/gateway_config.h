// gateway_config.h: the short form of a configuration: one port, one pool. Gateway API objects are
// the long form (config/load.h).
//
//   listen: 0.0.0.0:8080
//   admin: 127.0.0.1:8081
//   policy: prefix-aware
//   endpointPickerConfig: epp.yaml         # instead of policy; relative to this file
//   endpoints: [127.0.0.1:8001, 127.0.0.1:8002]
//   scrape_interval_ms: 100
//   limits: {body_bytes: 52428800, connect_timeout_ms: 2000, first_byte_timeout_s: 0,
//            stream_idle_timeout_s: 300, max_attempts: 3}
//
// Errors:  parse_gateway_config lists every problem with its path, one per line.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "gateway/config/model.h"
#include "net/address.h"

namespace nacelle::gateway {

struct GatewayConfig {
  net::HostPort listen{"0.0.0.0", 8080};
  net::HostPort admin{"127.0.0.1", 8081};
  std::string policy = "prefix-aware";
  std::string endpoint_picker_config;  // path of an EndpointPickerConfig; "": the policy decides
  std::vector<std::string> endpoints;  // host:port
  Duration scrape_interval = 100ms;
  GatewayLimits limits;
};

[[nodiscard]] Result<GatewayConfig> parse_gateway_config(std::string_view yaml);

// The OpenAI paths of one port go to one pool, "pool/default/endpoints".
[[nodiscard]] GatewayModel model_of(const GatewayConfig& config);

}  // namespace nacelle::gateway
