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
#include "net/tls/config.h"

namespace nacelle::tracing {

enum class Protocol : std::uint8_t { kHttpJson, kGrpc };

struct TracingConfig {
  // "http://host:4318/v1/traces", or with https; "" = spans are not sent
  std::string endpoint;
  std::optional<Protocol> protocol;  // nullopt: gRPC for port 4317, else HTTP with JSON
  std::map<std::string, std::string> headers;
  std::string service_name = "nacelle";
  std::map<std::string, std::string> resource;  // further attributes of the service
  double sample_ratio = 1.0;                    // of requests that come without a decision
  // Of a collector behind TLS; read when the exporter is made.
  net::PemSource authorities;  // not given: the system's
  net::PemSource certificate;  // ours, for collectors that ask for one
  net::PemSource key;
};

struct Collector {
  net::HostPort address;
  std::string target;  // path of HTTP
  Protocol protocol = Protocol::kHttpJson;
  bool tls = false;
};
// "http[s]://host[:port][/path]"; invalid_argument for anything else. Without a port it is that of
// the protocol, and 443 of https.
[[nodiscard]] Result<Collector> collector_of(const TracingConfig& config);

// What the port 4317 of an endpoint means when nobody names a protocol.
[[nodiscard]] Protocol protocol_of(const TracingConfig& config, std::string_view endpoint);

}  // namespace nacelle::tracing
