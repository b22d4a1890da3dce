// decode_backend.cc: who answers: services, slices, pools, static lists; and secrets.
#include <algorithm>

#include "base/base64.h"
#include "gateway/config/decode.h"
#include "net/address.h"

namespace nacelle::gateway {

void decode_service(ObjectReader& root, ObjectMeta meta, Objects& objects) {
  ServiceObject out;
  root.object("spec", [&](ObjectReader spec) {
    spec.ignore_rest();  // cluster addresses and the like
    std::string type;
    spec.string("type", type);
    out.external_name = type == "ExternalName";
    spec.each("ports", 64, [&](ObjectReader reader) {
      reader.ignore({"protocol", "nodePort"});
      ServicePort port;
      std::int64_t number = 0, target = 0;
      reader.string("name", port.name);
      if (!reader.has("port")) reader.problem("port", "is required");
      reader.integer("port", 1, 65535, number);
      reader.string("appProtocol", port.protocol);
      if (const auto* raw = reader.raw("targetPort"); raw != nullptr && raw->is_string()) {
        port.target_name = raw->get<std::string>();
      } else if (!reader.integer("targetPort", 1, 65535, target)) {
        target = number;
      }
      port.port = static_cast<std::uint16_t>(number);
      port.target = static_cast<std::uint16_t>(target);
      out.ports.push_back(std::move(port));
    });
  });
  if (out.ports.empty() && !out.external_name)
    root.problem("spec.ports", "at least one port is required");
  out.meta = std::move(meta);
  objects.services.push_back(std::move(out));
}

void decode_slice(ObjectReader& root, ObjectMeta meta, Objects& objects) {
  SliceObject out;
  root.ignore({"addressType"});
  root.each("ports", 100, [&](ObjectReader reader) {
    reader.ignore({"protocol", "appProtocol"});
    std::string name;
    std::int64_t number = 0;
    reader.string("name", name);
    reader.integer("port", 1, 65535, number);
    out.ports.emplace_back(name, static_cast<std::uint16_t>(number));
  });
  root.each("endpoints", 1000, [&](ObjectReader reader) {
    reader.ignore_rest();
    std::vector<std::string> addresses;
    bool ready = true;
    reader.strings("addresses", 100, addresses);
    reader.object("conditions", [&](ObjectReader conditions) {
      conditions.ignore({"serving", "terminating"});
      conditions.boolean("ready", ready);
    });
    if (ready && !addresses.empty()) out.addresses.push_back(addresses.front());
  });
  const auto service = meta.labels.find("kubernetes.io/service-name");
  if (service == meta.labels.end()) {
    root.problem("metadata.labels", "kubernetes.io/service-name is required");
  } else {
    out.service = service->second;
  }
  out.meta = std::move(meta);
  objects.slices.push_back(std::move(out));
}

// Only what is served is accepted: a field that would be ignored may be one that protects.
void decode_external_backend(ObjectReader& root, ObjectMeta meta, Objects& objects) {
  ExternalBackendObject out;
  root.object("spec", [&](ObjectReader spec) {
    if (const auto type = spec.one_of("type", {"Endpoints", "DynamicResolver"}); type == 1u)
      spec.problem("type", "DynamicResolver is not served");
    std::vector<std::string> protocols;
    spec.strings("appProtocols", 4, protocols);
    out.http2 = std::find(protocols.begin(), protocols.end(), "gateway.envoyproxy.io/h2c") !=
                protocols.end();
    spec.each("endpoints", 64, [&](ObjectReader endpoint) {
      endpoint.ignore({"hostname", "zone"});
      const auto read = [&](std::string_view key) {
        return [&, key](ObjectReader reader) {
          net::HostPort address;
          std::int64_t port = 0;
          const bool complete =
              reader.required(key, address.host) & reader.integer("port", 1, 65535, port);
          if (!reader.has("port")) reader.problem("port", "is required");
          address.port = static_cast<std::uint16_t>(port);
          if (complete) out.endpoints.push_back(std::move(address));
        };
      };
      const bool found =
          endpoint.object("fqdn", read("hostname")) | endpoint.object("ip", read("address"));
      if (endpoint.has("unix")) endpoint.problem("unix", "is not served");
      if (!found) endpoint.problem("fqdn or ip is required");
    });
    if (out.endpoints.empty()) spec.problem("endpoints", "at least one endpoint is required");
    // The port of HTTPS means TLS: a key must not travel in clear text because a line is missing.
    out.tls = std::any_of(out.endpoints.begin(), out.endpoints.end(),
                          [](const net::HostPort& address) { return address.port == 443; });
    spec.object("tls", [&](ObjectReader tls) {
      out.tls = true;
      tls.string("sni", out.server_name);
      (void)tls.one_of("wellKnownCACertificates", {"System"});
      tls.each("caCertificateRefs", 8, [&](ObjectReader authority) {
        out.authorities.push_back(decode_ref(authority, "", "ConfigMap", meta.name_space));
      });
      tls.object("clientCertificateRef", [&](ObjectReader certificate) {
        out.certificate = decode_ref(certificate, "", "Secret", meta.name_space);
      });
      if (tls.has("insecureSkipVerify"))
        tls.problem("insecureSkipVerify", "is not served; name the authority instead");
    });
  });
  out.meta = std::move(meta);
  objects.backends.push_back(std::move(out));
}

void decode_pool(ObjectReader& root, ObjectMeta meta, Objects& objects) {
  PoolObject out;
  root.object("spec", [&](ObjectReader spec) {
    spec.ignore({"endpointPickerRef"});
    spec.object("selector",
                [&](ObjectReader selector) { selector.string_map("matchLabels", out.selector); });
    spec.each("targetPorts", 8, [&](ObjectReader reader) {
      std::int64_t number = 0;
      if (reader.integer("number", 1, 65535, number))
        out.ports.push_back(static_cast<std::uint16_t>(number));
    });
    out.http2 = spec.one_of("appProtocol", {"http", "kubernetes.io/h2c"}) == std::size_t{1};
  });
  out.meta = std::move(meta);
  objects.pools.push_back(std::move(out));
}

void decode_endpoints(ObjectReader& root, ObjectMeta meta, Objects& objects) {
  StaticEndpointsObject out;
  root.object("spec", [&](ObjectReader spec) {
    spec.each("targetRefs", 16, [&](ObjectReader target) {
      out.targets.push_back(decode_ref(target, "", "Service", meta.name_space));
    });
    if (out.targets.empty()) spec.problem("targetRefs", "at least one target is required");
    std::vector<std::string> addresses;
    spec.strings("addresses", 10'000, addresses);
    for (std::size_t i = 0; i < addresses.size(); ++i) {
      auto parsed = net::parse_host_port(addresses[i]);
      if (parsed) {
        out.addresses.push_back(parsed->to_string());
      } else {
        spec.problem(fmt::format("addresses[{}]", i), parsed.error().message());
      }
    }
  });
  out.meta = std::move(meta);
  objects.endpoints.push_back(std::move(out));
}

void decode_secret(ObjectReader& root, ObjectMeta meta, ObjectList<SecretObject>& secrets) {
  SecretObject out;
  root.ignore({"immutable"});
  root.string("type", out.type);
  std::vector<std::pair<std::string, std::string>> pairs;
  const bool encoded = meta.where.find(": Secret ") != std::string::npos;
  root.string_map("data", pairs);
  for (auto& [key, value] : pairs) {
    if (!encoded) {
      out.data[key] = value;
    } else if (auto decoded = decode_base64(value)) {
      out.data[key] = std::move(*decoded);
    } else {
      root.problem(fmt::format("data.{}", key), "is not base64 (plain text goes to stringData)");
    }
  }
  pairs.clear();
  if (encoded) root.string_map("stringData", pairs);
  for (auto& [key, value] : pairs) out.data[key] = value;
  out.meta = std::move(meta);
  secrets.push_back(std::move(out));
}

}  // namespace nacelle::gateway
