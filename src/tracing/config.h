// config.h: where spans go, and which are made.
//
// Home:    values.
// Source:  OpenTelemetry's environment variable specification.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/address.h"

namespace nacelle::tracing {

enum class Protocol : std::uint8_t { kHttpJson, kGrpc };

struct TracingConfig {
  std::string endpoint;              // "http://host:4318/v1/traces"; "" = spans are not sent
  std::optional<Protocol> protocol;  // nullopt: gRPC for port 4317, else HTTP with JSON
  std::map<std::string, std::string> headers;
  std::string service_name = "nacelle";
  std::map<std::string, std::string> resource;  // further attributes of the service
  double sample_ratio = 1.0;                    // of requests that come without a decision
};

struct Collector {
  net::HostPort address;
  std::string target;  // path of HTTP
  Protocol protocol = Protocol::kHttpJson;
};
// "http://host[:port][/path]"; invalid_argument for anything else.
[[nodiscard]] Result<Collector> collector_of(const TracingConfig& config);

// What the port 4317 of an endpoint means when nobody names a protocol.
[[nodiscard]] Protocol protocol_of(const TracingConfig& config, std::string_view endpoint);

}  // namespace nacelle::tracing
