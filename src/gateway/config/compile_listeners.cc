#include <algorithm>
#include <set>

#include "gateway/config/compiler.h"

namespace nacelle::gateway {
namespace {

// Gateways of other controllers are somebody else's. Without any GatewayClass all are ours.
bool is_ours(const Objects& objects, const GatewayObject& gateway, References& references) {
  if (objects.classes.empty()) return true;
  std::vector<std::string_view> names;
  for (const GatewayClassObject& one : objects.classes) {
    if (one.meta.name == gateway.class_name) return one.controller == kControllerName;
    names.push_back(one.meta.name);
  }
  references.refuse({.where = gateway.meta.where + " spec.gatewayClassName"},
                    fmt::format("there is no GatewayClass '{}'{}", gateway.class_name,
                                did_you_mean(gateway.class_name, names)));
  return false;
}

// The PEM texts of all references, "" when one is wrong.
std::string authorities_of(References& references, const std::vector<ObjectRef>& refs) {
  std::string pem;
  for (const ObjectRef& ref : refs) {
    if (ref.kind == "Secret") {
      pem += references.value(references.objects().secrets, ref, "Secret", "ca.crt");
    } else {
      pem += references.value(references.objects().config_maps, ref, "ConfigMap", "ca.crt");
    }
  }
  return pem;
}

ListenerConfig make_listener(References& references, const GatewayObject& gateway,
                             const ListenerObject& object) {
  ListenerConfig out;
  out.name = gateway.meta.full_name() + "/" + object.name;
  out.hostname = object.hostname;
  for (const ObjectRef& ref : object.certificates) {
    if (auto certificate = certificate_of(references, ref, gateway.meta.name_space))
      out.certificates.push_back(std::move(*certificate));
  }
  out.client_authorities = authorities_of(references, object.client_authorities);
  out.client_certificate_optional = object.client_certificate_optional;
  return out;
}

}  // namespace

std::optional<CertificateConfig> certificate_of(References& references, const ObjectRef& ref,
                                                const std::string& gateway_namespace) {
  if (!ref.group.empty() || ref.kind != "Secret") {
    references.refuse(ref, fmt::format("kind '{}' is no certificate; Secret is", ref.kind));
    return std::nullopt;
  }
  if (!references.granted(kGatewayGroup, "Gateway", gateway_namespace, ref)) {
    references.refuse(
        ref, fmt::format("no ReferenceGrant in namespace {} lets Gateways of {} name Secret {}",
                         ref.name_space, gateway_namespace, ref.name));
    return std::nullopt;
  }
  const auto& secrets = references.objects().secrets;
  CertificateConfig certificate;
  certificate.name = ref.name_space + "/" + ref.name;
  certificate.certificate = references.value(secrets, ref, "Secret", "tls.crt");
  if (certificate.certificate.empty()) return std::nullopt;
  certificate.key = references.value(secrets, ref, "Secret", "tls.key");
  if (certificate.key.empty()) return std::nullopt;
  return certificate;
}

void show_client_certificate(References& references, const std::vector<PlacedListener>& listeners,
                             std::vector<ClusterConfig>& clusters) {
  std::optional<CertificateConfig> ours;
  for (const PlacedListener& placed : listeners) {
    const auto& ref = placed.gateway->backend_certificate;
    if (!ref) continue;
    const std::string name = ref->name_space + "/" + ref->name;
    if (ours && ours->name == name) continue;
    if (ours) {
      // Clusters and their connections are shared by all Gateways of the process.
      references.problems().add(
          ref->where, fmt::format("another Gateway shows Secret {} to upstreams; one process has "
                                  "one client certificate",
                                  ours->name));
      return;
    }
    ours = certificate_of(references, *ref, placed.gateway->meta.name_space);
    if (!ours) return;
  }
  if (!ours) return;
  for (ClusterConfig& cluster : clusters) {
    if (cluster.tls && cluster.tls->certificate.name.empty()) cluster.tls->certificate = *ours;
  }
}

std::vector<PlacedListener> place_listeners(References& references, GatewayModel& model) {
  std::vector<PlacedListener> placed;
  for (const GatewayObject& gateway : references.objects().gateways) {
    if (!is_ours(references.objects(), gateway, references)) continue;
    const std::string host =
        gateway.addresses.empty() ? model.settings.bind_address : gateway.addresses.front();
    for (const ListenerObject& object : gateway.listeners) {
      const bool tls = object.protocol == "HTTPS";
      ListenerConfig listener = make_listener(references, gateway, object);
      // What is wrong with its certificates was told; it must not come out as plain HTTP.
      if (tls && listener.certificates.empty()) continue;
      // Port 0 is a port of its own each time: the kernel chooses.
      auto port = std::find_if(model.ports.begin(), model.ports.end(), [&](const PortConfig& p) {
        return object.port != 0 && p.address.port == object.port && p.address.host == host;
      });
      if (port == model.ports.end()) {
        model.ports.push_back({{host, object.port}, tls, {}, {}});
        port = model.ports.end() - 1;
      }
      if (port->tls != tls) {
        references.problems().add(
            object.where,
            fmt::format("port {} serves HTTP and HTTPS; each needs its own", object.port));
        continue;
      }
      const bool twice = std::any_of(
          port->listeners.begin(), port->listeners.end(),
          [&](const ListenerConfig& other) { return other.hostname == object.hostname; });
      if (twice) {
        references.problems().add(object.where,
                                  fmt::format("port {} has another listener with hostname '{}'",
                                              object.port, object.hostname));
        continue;
      }
      port->listeners.push_back(std::move(listener));
      port->routes.emplace_back();
      placed.push_back({&gateway, &object, static_cast<std::size_t>(port - model.ports.begin()),
                        port->listeners.size() - 1});
    }
  }
  return placed;
}

}  // namespace nacelle::gateway
