#include "control/core/kserve/addresses.h"

#include <algorithm>
#include <set>

#include "control/core/kserve/readiness.h"

namespace nacelle::control::kserve {
namespace {

using kube::text_at;

bool is_private(std::string_view host) {
  if (host.starts_with("10.") || host.starts_with("127.") || host.starts_with("192.168.") ||
      host == "localhost" || host.ends_with(".local") || host.ends_with(".localhost") ||
      host.ends_with(".internal") || host.find('.') == host.npos) {
    return true;
  }
  if (!host.starts_with("172.")) return false;
  const std::string_view second = host.substr(4, host.find('.', 4) - 4);
  return second.size() == 2 && second >= "16" && second <= "31";
}

// The shallowest base path of each of the three buckets: own, publisher, root by header.
std::vector<std::string> base_paths(const Owner& owner, const Json& route) {
  std::string own;
  std::string publisher;
  bool root = false;
  const std::string own_prefix = "/" + owner.name_space() + "/" + owner.name();
  for (const Json& rule : kube::list_at(route, {"spec", "rules"})) {
    const Json& backends = kube::list_at(rule, {"backendRefs"});
    const bool service = std::any_of(backends.begin(), backends.end(), [](const Json& backend) {
      const std::string_view kind = text_at(backend, {"kind"});
      return kind.empty() || kind == "Service" || kind == "InferencePool";
    });
    if (!service) continue;
    for (const Json& match : kube::list_at(rule, {"matches"})) {
      const std::string path(text_at(match, {"path", "value"}));
      const auto shallower = [&](std::string& into) {
        if (into.empty() || path.size() < into.size()) into = path;
      };
      if (path.starts_with("/publishers/"))
        shallower(publisher);
      else if (path.empty() || path == "/")
        root = true;
      else if (path.starts_with(own_prefix))
        shallower(own);
      else if (!path.starts_with("/v1/"))
        shallower(own);
    }
  }
  std::vector<std::string> out;
  if (!own.empty()) out.push_back(own);
  if (!publisher.empty()) out.push_back(publisher);
  if (root) out.push_back("/");
  return out;
}

struct Base {
  std::string scheme, host;
  std::int64_t port;
  [[nodiscard]] std::string url(const std::string& path) const {
    const bool usual = (scheme == "http" && port == 80) || (scheme == "https" && port == 443);
    return scheme + "://" + host + (usual ? "" : ":" + std::to_string(port)) + path;
  }
};

std::vector<Base> bases_of(const Json& gateway, const Json& route, const std::string& section,
                           const std::string& preferred) {
  std::vector<Base> out;
  for (const Json& listener : kube::list_at(gateway, {"spec", "listeners"})) {
    const std::string_view protocol = text_at(listener, {"protocol"});
    if (protocol != "HTTP" && protocol != "HTTPS") continue;
    if (!section.empty() && text_at(listener, {"name"}) != section) continue;
    const std::string scheme = protocol == "HTTP" ? "http" : "https";
    const auto port = kube::number_at(listener, {"port"}).value_or(80);
    std::vector<std::string> hosts;
    for (const Json& host : kube::list_at(route, {"spec", "hostnames"})) {
      if (host.is_string()) hosts.push_back(host);
    }
    const std::string own(text_at(listener, {"hostname"}));
    if (hosts.empty() && !own.empty()) hosts.push_back(own);
    if (hosts.empty()) {
      for (const Json& address : kube::list_at(gateway, {"status", "addresses"})) {
        hosts.emplace_back(text_at(address, {"value"}));
      }
    }
    for (std::string& host : hosts) {
      if (host.starts_with("*.")) host = "inference" + host.substr(1);
      if (!host.empty()) out.push_back({scheme, host, port});
    }
  }
  std::stable_sort(out.begin(), out.end(), [&](const Base& a, const Base& b) {
    const auto rank = [&](const Base& base) {
      if (base.scheme == preferred) return 0;
      return base.scheme == "https" ? 1 : 2;
    };
    return rank(a) < rank(b);
  });
  return out;
}

Json models_at(const Owner& owner, bool by_path) {
  Json out = Json::array();
  std::vector<std::string> names = {owner.spec.model.name};
  for (const Adapter& adapter : owner.spec.model.adapters) names.push_back(adapter.name);
  for (const std::string& name : names) {
    out.push_back({{"name", publisher_name(owner.name_space(), name)}});
    if (by_path) out.push_back({{"name", name}});
  }
  return out;
}

}  // namespace

Addresses addresses_of(const Owner& owner, const Observed& observed) {
  Addresses out;
  if (owner.spec.router.is_null()) {
    const Base service{owner.global.tls ? "https" : "http",
                       child_name(owner.name(), "-kserve-workload-svc") + "." + owner.name_space() +
                           ".svc." + owner.global.cluster_domain,
                       8000};
    out.list.push_back({{"url", service.url("")}, {"models", models_at(owner, true)}});
    return out;
  }
  std::string own_external;
  std::set<std::string> seen;
  for (const Json* route : routes_of(owner, observed)) {
    const std::vector<std::string> paths = base_paths(owner, *route);
    for (const Json& parent : kube::list_at(*route, {"spec", "parentRefs"})) {
      std::string where(text_at(parent, {"namespace"}));
      if (where.empty()) where = owner.name_space();
      for (const Json* gateway : gateways_of(owner, observed)) {
        if (kube::key_of(*gateway) !=
            kube::ObjectKey{where, std::string(text_at(parent, {"name"}))}) {
          continue;
        }
        const std::string section(text_at(parent, {"sectionName"}));
        for (const Base& base : bases_of(*gateway, *route, section, owner.global.url_scheme)) {
          for (const std::string& path : paths) {
            const std::string url = base.url(path);
            if (!seen.insert(url).second) continue;
            const bool internal = is_private(base.host);
            std::string name = internal ? "internal" : "gateway-external";
            if (path == "/") name += "-model-routing";
            out.list.push_back({{"name", name},
                                {"url", url},
                                {"origin",
                                 {{"group", "gateway.networking.k8s.io"},
                                  {"kind", "Gateway"},
                                  {"name", kube::key_of(*gateway).name},
                                  {"namespace", where}}},
                                {"models", models_at(owner, path != "/")}});
            const bool own = path == paths.front();
            if (own && !internal && own_external.empty()) own_external = url;
            if (own && out.url.empty()) out.url = url;
          }
        }
      }
    }
  }
  if (!own_external.empty()) out.url = own_external;
  return out;
}

}  // namespace nacelle::control::kserve
