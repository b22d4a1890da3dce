#include "control/core/service_routes.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace nacelle::control {
namespace {

using kube::Json;
using kube::list_at;
using kube::text_at;

bool has_address(const Json& service) {
  const std::string_view address = text_at(service, {"spec", "clusterIP"});
  return !address.empty() && address != "None" &&
         text_at(service, {"spec", "type"}) != "ExternalName";
}

bool is_tcp(const Json& port) {
  const std::string_view protocol = text_at(port, {"protocol"});
  return protocol.empty() || protocol == "TCP";
}

std::uint16_t port_of(const Json& holder) {
  const std::int64_t number = kube::number_at(holder, {"port"}).value_or(0);
  return number < 1 || number > 65535 ? 0 : static_cast<std::uint16_t>(number);
}

bool is_ready(const Json& endpoint) {
  // Not said is ready.
  return kube::find(endpoint, {"conditions", "ready"}) == nullptr ||
         kube::bool_at(endpoint, {"conditions", "ready"});
}

bool still_serves(const Json& endpoint) {
  return kube::bool_at(endpoint, {"conditions", "serving"}) &&
         kube::bool_at(endpoint, {"conditions", "terminating"});
}

template <class Is>
void collect(const Json& slice, std::uint16_t port, Is is, std::set<ServiceEndpoint>& out) {
  for (const Json& endpoint : list_at(slice, {"endpoints"})) {
    const Json& addresses = list_at(endpoint, {"addresses"});
    // All addresses of an endpoint are the same one; clients use the first.
    if (addresses.empty() || !addresses[0].is_string() || !is(endpoint)) continue;
    out.insert({addresses[0].get<std::string>(), port});
  }
}

std::vector<ServiceEndpoint> endpoints_of(const Json& service_port,
                                          std::span<const Json* const> slices) {
  std::set<ServiceEndpoint> ready, serving;
  for (const Json* slice : slices) {
    for (const Json& port : list_at(*slice, {"ports"})) {
      if (text_at(port, {"name"}) != text_at(service_port, {"name"}) || !is_tcp(port)) continue;
      const std::uint16_t number = port_of(port);
      if (number == 0) continue;
      collect(*slice, number, is_ready, ready);
      collect(*slice, number, still_serves, serving);
    }
  }
  const std::set<ServiceEndpoint>& chosen = ready.empty() ? serving : ready;
  return {chosen.begin(), chosen.end()};
}

}  // namespace

std::vector<ServiceRoute> service_routes(const Json& service, std::span<const Json* const> slices) {
  std::vector<ServiceRoute> out;
  if (!has_address(service)) return out;
  for (const Json& port : list_at(service, {"spec", "ports"})) {
    const std::uint16_t number = port_of(port);
    if (number == 0 || !is_tcp(port)) continue;
    out.push_back(
        {std::string(text_at(service, {"spec", "clusterIP"})), number, endpoints_of(port, slices)});
  }
  return out;
}

std::vector<std::string> unforwarded(const Json& service) {
  std::set<std::string> out;
  if (!has_address(service)) return {};
  for (const Json& port : list_at(service, {"spec", "ports"})) {
    if (!is_tcp(port)) out.emplace(text_at(port, {"protocol"}));
  }
  return {out.begin(), out.end()};
}

std::vector<ServiceName> service_names(const Json& service, std::span<const Json* const> slices) {
  const std::string name_space(text_at(service, {"metadata", "namespace"}));
  const std::string name(text_at(service, {"metadata", "name"}));
  if (has_address(service)) {
    return {{std::string(text_at(service, {"spec", "clusterIP"})), name_space, name, ""}};
  }
  std::set<ServiceName> out;
  if (text_at(service, {"spec", "clusterIP"}) != "None") return {};
  for (const Json* slice : slices) {
    for (const Json& endpoint : list_at(*slice, {"endpoints"})) {
      const Json& addresses = list_at(endpoint, {"addresses"});
      if (addresses.empty() || !addresses[0].is_string() || !is_ready(endpoint)) continue;
      const auto& address = addresses[0].get_ref<const std::string&>();
      out.insert({address, name_space, name, ""});
      const std::string hostname(text_at(endpoint, {"hostname"}));
      if (!hostname.empty()) out.insert({address, name_space, name, hostname});
    }
  }
  return {out.begin(), out.end()};
}

// Nothing but a name or an address: a line of the file stays one line of it.
static bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '.' || c == ':';
  });
}

std::string hosts_text(std::string_view base, std::string_view name_space,
                       std::span<const ServiceName> names) {
  std::string out(base);
  if (!out.empty() && !out.ends_with('\n')) out += '\n';
  for (const ServiceName& one : names) {
    if (one.address.empty() || one.service.empty() || !is_plain(one.address) ||
        !is_plain(one.service) || !is_plain(one.name_space) || !is_plain(one.hostname)) {
      continue;
    }
    const std::string first = one.hostname.empty() ? one.service : one.hostname + "." + one.service;
    out += fmt::format("{0}\t{1}.{2}.svc.cluster.local {1}.{2}.svc {1}.{2}", one.address, first,
                       one.name_space);
    if (one.name_space == name_space) out += " " + first;
    out += '\n';
  }
  return out;
}

}  // namespace nacelle::control
