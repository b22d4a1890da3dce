#include "tracing/config.h"

#include <algorithm>

namespace nacelle::tracing {
namespace {

constexpr std::string_view kScheme = "http://";
constexpr std::string_view kGrpcPort = ":4317";

std::string_view authority_in(std::string_view url) {
  const std::string_view rest = url.substr(kScheme.size());
  return rest.substr(0, std::min(rest.find('/'), rest.size()));
}

bool names_port(std::string_view authority) {
  const std::size_t bracket = authority.rfind(']');
  return authority.find(':', bracket == std::string::npos ? 0 : bracket) != std::string::npos;
}

}  // namespace

Protocol protocol_of(const TracingConfig& config, std::string_view endpoint) {
  if (config.protocol) return *config.protocol;
  if (!endpoint.starts_with(kScheme)) return Protocol::kHttpJson;
  return authority_in(endpoint).ends_with(kGrpcPort) ? Protocol::kGrpc : Protocol::kHttpJson;
}

Result<Collector> collector_of(const TracingConfig& config) {
  const std::string_view url = config.endpoint;
  if (!url.starts_with(kScheme)) {
    return invalid_argument("'{}' is no collector: http://host:port/v1/traces is the form", url);
  }
  Collector out;
  out.protocol = protocol_of(config, url);
  std::string authority(authority_in(url));
  const std::string_view path = url.substr(kScheme.size() + authority.size());
  out.target = path.empty() ? "/" : std::string(path);
  if (!names_port(authority)) authority += out.protocol == Protocol::kGrpc ? ":4317" : ":4318";
  ASSIGN_OR_RETURN(out.address, net::parse_host_port(authority));
  return out;
}

}  // namespace nacelle::tracing
