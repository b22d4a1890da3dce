#include <algorithm>

#include "gateway/config/decode.h"
#include "gateway/route/host_pattern.h"

namespace nacelle::gateway {
namespace {

void decode_tls(ObjectReader tls, const std::string& name_space, ListenerObject& out) {
  tls.ignore({"options"});
  if (tls.one_of("mode", {"Terminate", "Passthrough"}) == std::size_t{1}) {
    tls.problem("mode", "Passthrough is not served: an HTTPS listener terminates TLS");
  }
  tls.each("certificateRefs", 64, [&](ObjectReader certificate) {
    out.certificates.push_back(decode_ref(certificate, "", "Secret", name_space));
  });
}

void decode_allowed_routes(ObjectReader allowed, ListenerObject& out) {
  allowed.object("namespaces", [&](ObjectReader namespaces) {
    if (const auto from = namespaces.one_of("from", {"Same", "All", "Selector"})) {
      out.from = static_cast<ListenerObject::From>(*from);
    }
    namespaces.object("selector", [&](ObjectReader selector) {
      std::vector<std::pair<std::string, std::string>> labels;
      selector.string_map("matchLabels", labels);
      out.selector = {labels.begin(), labels.end()};
    });
  });
  allowed.each("kinds", 8, [&](ObjectReader kind) {
    std::string group = kGatewayGroup, name;
    kind.string("group", group);
    kind.required("kind", name);
    if (group != kGatewayGroup || name != "HTTPRoute") {
      kind.problem("kind", fmt::format("'{}' is not served by this gateway; HTTPRoute is", name));
    }
    out.kinds.push_back(name);
  });
}

void decode_listener(ObjectReader reader, const std::string& name_space, GatewayObject& gateway) {
  ListenerObject out;
  out.where = reader.where();
  reader.required("name", out.name);
  std::int64_t port = 0;
  if (!reader.has("port")) reader.problem("port", "is required");
  // 0 lets the kernel choose: for tests, never written by an API.
  if (reader.integer("port", 0, 65535, port)) out.port = static_cast<std::uint16_t>(port);
  out.protocol = "HTTP";
  if (!reader.has("protocol")) reader.problem("protocol", "is required");
  if (const auto protocol = reader.one_of("protocol", {"HTTP", "HTTPS"})) {
    out.protocol = *protocol == 0 ? "HTTP" : "HTTPS";
  }
  if (reader.string("hostname", out.hostname) && !out.hostname.empty()) {
    if (const Status fine = check_hostname(out.hostname, Wildcard::kAllowed); !fine.ok())
      reader.problem("hostname", fine.message());
  }
  reader.object("tls", [&](ObjectReader tls) { decode_tls(std::move(tls), name_space, out); });
  if (out.protocol == "HTTPS" && out.certificates.empty()) {
    reader.problem("tls.certificateRefs", "an HTTPS listener needs a certificate");
  }
  if (out.protocol == "HTTP" && reader.has("tls")) {
    reader.problem("tls", "is not allowed with protocol HTTP");
  }
  reader.object("allowedRoutes",
                [&](ObjectReader allowed) { decode_allowed_routes(std::move(allowed), out); });
  const bool twice =
      std::any_of(gateway.listeners.begin(), gateway.listeners.end(),
                  [&](const ListenerObject& other) { return other.name == out.name; });
  if (twice) reader.problem("name", fmt::format("'{}' names two listeners", out.name));
  gateway.listeners.push_back(std::move(out));
}

void decode_validation(ObjectReader validation, const std::string& name_space,
                       std::vector<ObjectRef>& authorities, bool& optional) {
  validation.each("caCertificateRefs", 16, [&](ObjectReader authority) {
    authorities.push_back(decode_ref(authority, "", "ConfigMap", name_space));
  });
  optional =
      validation.one_of("mode", {"AllowValidOnly", "AllowInsecureFallback"}) == std::size_t{1};
}

// spec.tls.frontend: client certificates, for all HTTPS listeners or by port.
void decode_frontend(ObjectReader frontend, const std::string& name_space, GatewayObject& out) {
  const auto apply = [&](ObjectReader holder, std::optional<std::int64_t> port) {
    const auto validation = [&](ObjectReader reader) {
      std::vector<ObjectRef> authorities;
      bool optional = false;
      decode_validation(std::move(reader), name_space, authorities, optional);
      for (ListenerObject& listener : out.listeners) {
        if (listener.protocol != "HTTPS" || (port && *port != listener.port)) continue;
        listener.client_authorities = authorities;
        listener.client_certificate_optional = optional;
      }
    };
    holder.object("validation", validation);
  };
  frontend.object("default", [&](ObjectReader holder) { apply(std::move(holder), std::nullopt); });
  frontend.each("perPort", 64, [&](ObjectReader entry) {
    std::int64_t port = 0;
    entry.integer("port", 1, 65535, port);
    entry.object("tls", [&](ObjectReader holder) { apply(std::move(holder), port); });
  });
}

}  // namespace

void decode_gateway(ObjectReader& root, ObjectMeta meta, Objects& objects) {
  GatewayObject out;
  root.object("spec", [&](ObjectReader spec) {
    spec.ignore({"infrastructure", "allowedListeners", "defaultScope"});
    spec.required("gatewayClassName", out.class_name);
    spec.each("addresses", 16, [&](ObjectReader address) {
      std::string type, value;
      address.string("type", type);
      address.string("value", value);
      if (!value.empty()) out.addresses.push_back(value);
    });
    if (!spec.each("listeners", 64, [&](ObjectReader listener) {
          decode_listener(std::move(listener), meta.name_space, out);
        })) {
      spec.problem("listeners", "at least one listener is required");
    }
    spec.object("tls", [&](ObjectReader tls) {
      tls.object("backend", [&](ObjectReader backend) {
        backend.object("clientCertificateRef", [&](ObjectReader certificate) {
          out.backend_certificate = decode_ref(certificate, "", "Secret", meta.name_space);
        });
      });
      tls.object("frontend", [&](ObjectReader frontend) {
        decode_frontend(std::move(frontend), meta.name_space, out);
      });
    });
  });
  out.meta = std::move(meta);
  objects.gateways.push_back(std::move(out));
}

}  // namespace nacelle::gateway
