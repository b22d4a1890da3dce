#include "gateway/filter/rewrite.h"

#include <fmt/format.h>

#include "gateway/route/path.h"

namespace nacelle::gateway {

std::string PathModifier::apply(std::string_view path, std::string_view prefix) const {
  if (type == Type::kReplaceFullPath) return value.empty() ? "/" : value;
  return replace_prefix(path, prefix, value);
}

std::string with_path(std::string_view path, std::string_view query) {
  std::string target(path);
  if (!query.empty()) target.append("?").append(query);
  return target;
}

std::string location_of(const Redirect& redirect, const RedirectSource& source) {
  const std::string_view scheme = redirect.scheme.empty() ? source.scheme : redirect.scheme;
  const std::string_view host = redirect.hostname.empty() ? source.host : redirect.hostname;
  const std::uint16_t well_known = scheme == "https" ? 443 : 80;
  std::uint16_t port = redirect.port;
  if (port == 0) port = redirect.scheme.empty() ? source.listener_port : well_known;
  const std::string path =
      redirect.path ? redirect.path->apply(source.path, source.prefix) : std::string(source.path);
  const bool ipv6 = host.find(':') != std::string_view::npos;
  std::string location =
      ipv6 ? fmt::format("{}://[{}]", scheme, host) : fmt::format("{}://{}", scheme, host);
  if (port != well_known) location += fmt::format(":{}", port);
  return location + with_path(path, source.query);
}

}  // namespace nacelle::gateway
