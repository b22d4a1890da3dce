#include <algorithm>
#include <set>
#include <tuple>

#include "base/nearest_name.h"
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
  ListenerReport& report = references.report().gateways[gateway.meta.full_name()][object.name];
  const References::Judging certificates(references, report.resolved, "InvalidCertificateRef");
  for (const ObjectRef& ref : object.certificates) {
    if (auto certificate = certificate_of(references, ref, gateway.meta.name_space))
      out.certificates.push_back(std::move(*certificate));
  }
  const References::Judging authorities(references, report.resolved, "InvalidCACertificateRef");
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
        ref,
        fmt::format("no ReferenceGrant in namespace {} lets Gateways of {} name Secret {}",
                    ref.name_space, gateway_namespace, ref.name),
        "RefNotPermitted");
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

namespace {

// Oldest first, as far as their age is known: a port that two Gateways want goes to the older one.
std::vector<const GatewayObject*> by_age(const ObjectList<GatewayObject>& gateways) {
  std::vector<const GatewayObject*> out;
  for (const GatewayObject& gateway : gateways) out.push_back(&gateway);
  std::stable_sort(out.begin(), out.end(), [](const GatewayObject* a, const GatewayObject* b) {
    return a->meta.created < b->meta.created;
  });
  return out;
}

// Listeners of one Gateway that no request can tell apart: none of them is served.
bool conflicts(References& references, const GatewayObject& gateway, const ListenerObject& object,
               ListenerReport& report) {
  if (object.port == 0) return false;
  for (const ListenerObject& other : gateway.listeners) {
    if (&other == &object || other.port != object.port) continue;
    std::string_view reason;
    std::string why;
    if (other.protocol != object.protocol) {
      reason = "ProtocolConflict";
      why = fmt::format("port {} serves HTTP and HTTPS; each needs its own", object.port);
    } else if (other.hostname == object.hostname) {
      reason = "HostnameConflict";
      why = fmt::format("port {} has another listener with hostname '{}'", object.port,
                        object.hostname);
    } else {
      continue;
    }
    report.conflicted = true;
    report.accepted.fail(reason, why);
    references.problems().add(object.where, why);
    return true;
  }
  return false;
}

// The place of `listener` in the model; kNowhere after a problem.
std::pair<std::size_t, std::size_t> place(References& references, const ListenerObject& object,
                                          const std::string& host, ListenerConfig listener,
                                          ListenerReport& report, GatewayModel& model) {
  constexpr std::pair kNowhere{PlacedListener::kNowhere, PlacedListener::kNowhere};
  const bool tls = object.protocol == "HTTPS";
  const auto refuse = [&](std::string_view reason, const std::string& why) {
    report.accepted.fail(reason, why);
    references.problems().add(object.where, why);
    return kNowhere;
  };
  // Port 0 is a port of its own each time: the kernel chooses.
  auto port = std::find_if(model.ports.begin(), model.ports.end(), [&](const PortConfig& p) {
    return object.port != 0 && p.address.port == object.port && p.address.host == host;
  });
  if (port == model.ports.end()) {
    model.ports.push_back({{host, object.port}, tls, {}, {}});
    port = model.ports.end() - 1;
  }
  if (port->tls != tls) {
    return refuse("PortUnavailable", fmt::format("an older Gateway serves port {} as {}",
                                                 object.port, tls ? "HTTP" : "HTTPS"));
  }
  const auto twin =
      std::find_if(port->listeners.begin(), port->listeners.end(),
                   [&](const ListenerConfig& other) { return other.hostname == object.hostname; });
  if (twin != port->listeners.end()) {
    return refuse("PortUnavailable",
                  fmt::format("port {} has an older listener with hostname '{}': {}", object.port,
                              object.hostname, twin->name));
  }
  port->listeners.push_back(std::move(listener));
  port->routes.emplace_back();
  return {static_cast<std::size_t>(port - model.ports.begin()), port->listeners.size() - 1};
}

}  // namespace

std::vector<PlacedListener> place_listeners(References& references, GatewayModel& model) {
  std::vector<PlacedListener> placed;
  for (const GatewayObject* gateway : by_age(references.objects().gateways)) {
    if (!is_ours(references.objects(), *gateway, references)) continue;
    const std::string host =
        gateway->addresses.empty() ? model.settings.bind_address : gateway->addresses.front();
    auto& reports = references.report().gateways[gateway->meta.full_name()];
    for (const ListenerObject& object : gateway->listeners) {
      ListenerReport& report = reports[object.name];
      PlacedListener here{gateway, &object, &report, PlacedListener::kNowhere,
                          PlacedListener::kNowhere};
      ListenerConfig listener = make_listener(references, *gateway, object);
      // What is wrong was told; it must not come out as plain HTTP, or open to everyone.
      const bool open = (object.protocol == "HTTPS" && listener.certificates.empty()) ||
                        (!object.client_authorities.empty() && listener.client_authorities.empty());
      if (!conflicts(references, *gateway, object, report) && !open) {
        std::tie(here.port, here.listener) =
            place(references, object, host, std::move(listener), report, model);
      }
      if (here.port != PlacedListener::kNowhere)
        report.address = model.ports[here.port].address.to_string();
      placed.push_back(here);
    }
  }
  return placed;
}

}  // namespace nacelle::gateway
