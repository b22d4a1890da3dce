#include "control/core/kserve/addresses.h"

#include <algorithm>
#include <set>

#include "base/url_path.h"
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

struct BasePath {
  std::string path;
  bool own = false;
  // Whatever is asked below it reaches the service: a prefix, and of no endpoint alone.
  bool open = false;
};

bool is_open(const Json& match, const std::string& path) {
  const std::string_view type = text_at(match, {"path", "type"});
  return (type.empty() || type == "PathPrefix") && kube::list_at(match, {"headers"}).empty() &&
         kube::list_at(match, {"queryParams"}).empty() && text_at(match, {"method"}).empty() &&
         path.find("/v1") == path.npos;
}

// The shallowest base path of each of the three buckets: own, publisher, root by header.
std::vector<BasePath> base_paths(const Owner& owner, const Json& route) {
  BasePath own{.path = "", .own = true};
  BasePath publisher;
  bool root = false;
  for (const Json& rule : kube::list_at(route, {"spec", "rules"})) {
    const Json& backends = kube::list_at(rule, {"backendRefs"});
    const bool service = std::any_of(backends.begin(), backends.end(), [](const Json& backend) {
      const std::string_view kind = text_at(backend, {"kind"});
      return kind.empty() || kind == "Service" || kind == "InferencePool";
    });
    if (!service) continue;
    for (const Json& match : kube::list_at(rule, {"matches"})) {
      const std::string path = as_url_path(text_at(match, {"path", "value"}));
      const auto shallower = [&](BasePath& into) {
        if (!into.path.empty() && path.size() >= into.path.size()) return;
        into.path = path;
        into.open = is_open(match, path);
      };
      if (path.starts_with("/publishers/"))
        shallower(publisher);
      else if (path.empty() || path == "/")
        root = true;
      else if (path.starts_with("/" + owner.name_space() + "/" + owner.name()) ||
               !path.starts_with("/v1/"))
        shallower(own);
    }
  }
  std::vector<BasePath> out;
  if (!own.path.empty()) out.push_back(std::move(own));
  if (!publisher.path.empty()) out.push_back(std::move(publisher));
  if (root) out.push_back({.path = "/"});
  return out;
}

struct Base {
  std::string scheme, host;
  std::int64_t port;
  [[nodiscard]] std::string authority() const {
    const bool usual = (scheme == "http" && port == 80) || (scheme == "https" && port == 443);
    const bool brackets = host.find(':') != host.npos;  // an address of IPv6
    return (brackets ? "[" + host + "]" : host) + (usual ? "" : ":" + std::to_string(port));
  }
  [[nodiscard]] std::string url(const std::string& path) const {
    return scheme + "://" + authority() + path;
  }
};

// The host of a URL need not resolve here: its gateway is asked where it says that it listens.
AddressAsk ask_for(const Base& base, const Json& gateway, const BasePath& path) {
  AddressAsk out;
  out.url = base.url(path.path);
  out.host = base.host;
  for (const Json& address : kube::list_at(gateway, {"status", "addresses"})) {
    if (text_at(address, {"value"}).empty()) continue;
    out.host = text_at(address, {"value"});
    break;
  }
  out.tls = base.scheme == "https";
  // Who wants to see a certificate of its clients will not answer to us.
  const bool wants_certificate = kube::find(gateway, {"spec", "tls", "frontend"}) != nullptr;
  out.port = out.tls && wants_certificate ? 0 : static_cast<std::uint16_t>(base.port);
  out.authority = base.authority();
  out.path = path.path + "/v1/models";
  out.any_answer = !path.open;
  return out;
}

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

Address address_of(const Base& base, const Json& gateway, const std::string& path, AddressAsk ask) {
  const bool internal = is_private(base.host);
  std::string name = internal ? "internal" : "gateway-external";
  if (path == "/") name += "-model-routing";
  const kube::ObjectKey key = kube::key_of(gateway);
  return {.entry = {{"name", name},
                    {"url", base.url(path)},
                    {"origin",
                     {{"group", "gateway.networking.k8s.io"},
                      {"kind", "Gateway"},
                      {"name", key.name},
                      {"namespace", key.name_space}}}},
          .ask = std::move(ask),
          .external = !internal};
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

// Of status.addresses: has it answered before?
bool is_published(const Json& status, const std::string& url) {
  const Json& list = kube::list_at(status, {"addresses"});
  return std::any_of(list.begin(), list.end(),
                     [&](const Json& entry) { return text_at(entry, {"url"}) == url; });
}

bool has_no_replica(const kube::Conditions& conditions) {
  const Json* main = conditions.find("MainWorkloadReady");
  if (main == nullptr) main = conditions.find("WorkerWorkloadReady");
  return main != nullptr && text_at(*main, {"reason"}) == "ScaledToZero";
}

}  // namespace

std::vector<Address> addresses_at(const Json& gateway, const Json& route, const std::string& path,
                                  const std::string& preferred_scheme) {
  std::vector<Address> out;
  for (const Base& base : bases_of(gateway, route, "", preferred_scheme)) {
    const BasePath below{.path = path, .own = true, .open = true};
    Address address = address_of(base, gateway, path, ask_for(base, gateway, below));
    address.own = true;
    out.push_back(std::move(address));
  }
  return out;
}

Heard heard_of(const Address& address,
               const std::optional<std::map<std::string, AddressAnswer>>& answers,
               const Json& status) {
  Heard out;
  out.settled = !answers || address.ask.port == 0 ||
                is_published(status, std::string(text_at(address.entry, {"url"})));
  out.answered = out.settled;
  if (out.settled) return out;
  const std::string& url = address.ask.url;
  const auto answer = answers->find(url);
  const bool asked = answer != answers->end();
  out.answered = asked && answer->second.answered;
  out.instead = asked && !answer->second.message.empty() ? answer->second.message
                                                         : url + " has not answered yet";
  return out;
}

std::vector<Address> addresses_of(const Owner& owner, const Observed& observed) {
  std::vector<Address> out;
  if (owner.spec.router.is_null()) {
    const Base service{owner.global.tls ? "https" : "http",
                       child_name(owner.name(), "-kserve-workload-svc") + "." + owner.name_space() +
                           ".svc." + owner.global.cluster_domain,
                       8000};
    out.push_back({.entry = {{"url", service.url("")}, {"models", models_at(owner, true)}},
                   .ask = {.url = service.url("")}});
    return out;
  }
  std::set<std::string> seen;
  for (const Json* route : routes_of(owner, observed)) {
    const std::vector<BasePath> paths = base_paths(owner, *route);
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
          for (const BasePath& path : paths) {
            const std::string url = base.url(path.path);
            if (!seen.insert(url).second) continue;
            Address address =
                address_of(base, *gateway, path.path, ask_for(base, *gateway, paths.front()));
            address.entry["models"] = models_at(owner, path.path != "/");
            address.own = path.path == paths.front().path;
            out.push_back(std::move(address));
          }
        }
      }
    }
  }
  return out;
}

void publish_addresses(const Owner& owner, const Observed& observed, Json& status,
                       kube::Conditions& conditions, std::vector<AddressAsk>& asks) {
  Json list = Json::array();
  const Address* preferred = nullptr;
  std::string silent;
  const bool ready =
      conditions.status("RouterReady") == "True" && conditions.status("WorkloadsReady") == "True";
  const std::vector<Address> all = addresses_of(owner, observed);
  for (const Address& address : all) {
    const Heard heard = heard_of(address, observed.answers, status);
    if (!heard.settled) {
      AddressAsk ask = address.ask;
      if (!heard.answered && silent.empty())
        silent = ready ? heard.instead : ask.url + " is asked when a replica is ready";
      // Until the status that is seen publishes it: what was heard is kept for as long.
      ask.any_answer = ask.any_answer || has_no_replica(conditions);
      if (ready && std::find(asks.begin(), asks.end(), ask) == asks.end()) {
        asks.push_back(std::move(ask));
      }
    }
    if (!heard.answered) continue;
    list.push_back(address.entry);
    const bool better = preferred == nullptr || (address.external && !preferred->external);
    if (address.own && better) preferred = &address;
  }
  if (list.empty() && !silent.empty() && conditions.status("RouterReady") == "True") {
    conditions.set({"RouterReady", "False", "AddressNotAnswered", silent});
  }
  if (list.empty()) {
    status.erase("addresses");
  } else {
    status["addresses"] = std::move(list);
  }
  if (preferred == nullptr) {
    status.erase("url");
  } else {
    status["url"] = text_at(preferred->entry, {"url"});
  }
}

}  // namespace nacelle::control::kserve
