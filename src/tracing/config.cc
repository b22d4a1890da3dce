#include "tracing/config.h"

#include <algorithm>

namespace nacelle::tracing {
namespace {

constexpr std::string_view kGrpcPort = ":4317";

struct Url {
  bool tls = false;
  std::string_view authority, path;
};

std::optional<Url> split(std::string_view url) {
  Url out;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!url.starts_with(scheme)) continue;
    out.tls = scheme == "https://";
    url.remove_prefix(scheme.size());
    out.authority = url.substr(0, std::min(url.find('/'), url.size()));
    out.path = url.substr(out.authority.size());
    return out;
  }
  return std::nullopt;
}

bool names_port(std::string_view authority) {
  const std::size_t bracket = authority.rfind(']');
  return authority.find(':', bracket == std::string::npos ? 0 : bracket) != std::string::npos;
}

}  // namespace

Protocol protocol_of(const TracingConfig& config, std::string_view endpoint) {
  if (config.protocol) return *config.protocol;
  const auto url = split(endpoint);
  return url && url->authority.ends_with(kGrpcPort) ? Protocol::kGrpc : Protocol::kHttpJson;
}

Result<Collector> collector_of(const TracingConfig& config) {
  const auto url = split(config.endpoint);
  if (!url || url->authority.empty() || url->authority.starts_with(":")) {
    return invalid_argument(
        "'{}' is no collector: http://host:port/v1/traces is the form, or https", config.endpoint);
  }
  Collector out;
  out.tls = url->tls;
  out.protocol = protocol_of(config, config.endpoint);
  out.target = url->path.empty() ? "/" : std::string(url->path);
  std::string authority(url->authority);
  if (!names_port(authority)) {
    authority += out.tls ? ":443" : out.protocol == Protocol::kGrpc ? ":4317" : ":4318";
  }
  ASSIGN_OR_RETURN(out.address, net::parse_host_port(authority));
  return out;
}

}  // namespace nacelle::tracing
