// service_routes.h: where a Service's cluster address leads, and by which names it is found.
//
// Endpoints are those that are ready; while none is, those that end but still serve. A headless
// Service and one of type ExternalName have no address of their own, so no routes.
//
// Home:    pure.
// Source:  kubernetes-api.md section 21 (EndpointSlice); the rules of kube-proxy and of cluster
// DNS.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kube/object.h"

namespace nacelle::control {

struct ServiceEndpoint {
  std::string address;
  std::uint16_t port = 0;
  friend auto operator<=>(const ServiceEndpoint&, const ServiceEndpoint&) = default;
};

struct ServiceRoute {
  std::string address;
  std::uint16_t port = 0;
  std::vector<ServiceEndpoint> endpoints;  // in order, each once
  friend auto operator<=>(const ServiceRoute&, const ServiceRoute&) = default;
};

// Of its TCP ports. `slices` are the Service's.
[[nodiscard]] std::vector<ServiceRoute> service_routes(const kube::Json& service,
                                                       std::span<const kube::Json* const> slices);

// Protocols that its ports have and that are not forwarded: "UDP".
[[nodiscard]] std::vector<std::string> unforwarded(const kube::Json& service);

struct ServiceName {
  std::string address;
  std::string name_space, service;
  std::string hostname;  // of an endpoint of a headless Service; "" = the Service itself
  friend auto operator<=>(const ServiceName&, const ServiceName&) = default;
};
[[nodiscard]] std::vector<ServiceName> service_names(const kube::Json& service,
                                                     std::span<const kube::Json* const> slices);

// A file as /etc/hosts, for programs of that namespace: first `base`, then the names, with
// "web.ns.svc.cluster.local web.ns.svc web.ns" and, of its own namespace, "web". What is no name or
// address is left out.
[[nodiscard]] std::string hosts_text(std::string_view base, std::string_view name_space,
                                     std::span<const ServiceName> names);

}  // namespace nacelle::control
