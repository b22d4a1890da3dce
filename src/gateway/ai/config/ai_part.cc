#include "gateway/ai/config/ai_part.h"

#include <algorithm>
#include <array>

#include "gateway/ai/keys/key_store.h"
#include "gateway/ai/upstream_credentials.h"
#include "gateway/route/host_pattern.h"

namespace nacelle::gateway::ai {

namespace {

constexpr const char* kAiGroup = "aigateway.envoyproxy.io";

constexpr std::array<PartKind, 10> kKinds{{{"AIGatewayRoute", kAiGroup},
                                           {"AIServiceBackend", kAiGroup},
                                           {"BackendSecurityPolicy", kAiGroup},
                                           {"QuotaPolicy", kAiGroup},
                                           {"GatewayConfig", kAiGroup},
                                           {"ClientKeySet", kOwnGroup},
                                           {"RateLimitPolicy", kOwnGroup},
                                           {"ModelAliases", kOwnGroup},
                                           {"UsageStore", kOwnGroup},
                                           {"FallbackPolicy", kOwnGroup}}};

// "namespace/name" into an object's two names.
void split(const ObjectName& full, std::string& name_space, std::string& name) {
  const std::size_t slash = full.find('/');
  name_space = full.substr(0, slash);
  name = slash == std::string::npos ? "" : full.substr(slash + 1);
}

class RouteMaker {
 public:
  RouteMaker(const AiConfig& config, Objects& objects, Problems& problems)
      : config_(config), objects_(objects), problems_(problems) {}

  void add(const AiRoute& route) {
    RouteObject out;
    out.group = kAiGroup;
    out.kind = "AIGatewayRoute";
    out.label = "aigatewayroute";
    for (const PartObject& object : objects_.part_objects) {
      if (object.kind == out.kind && object.meta.full_name() == route.name) out.meta = object.meta;
    }
    for (const ParentRef& parent : route.parents) {
      ObjectRef ref;
      ref.where = out.meta.where + " spec.parentRefs";
      ref.group = kGatewayGroup;
      ref.kind = "Gateway";
      ref.name_space = parent.space;
      ref.name = parent.name;
      ref.section = parent.section;
      ref.port = parent.port;
      out.parents.push_back(std::move(ref));
    }
    out.every_listener = route.parents.empty();
    for (const std::string& host : route.hostnames) {
      const Status fine = check_hostname(host, Wildcard::kAllowed);
      if (!fine.ok()) problems_.add(out.meta.where + " spec.hostnames", fine.message());
      out.hostnames.push_back(host);
    }
    for (std::size_t i = 0; i < route.rules.size(); ++i) {
      const std::string where = fmt::format("{} spec.rules[{}]", out.meta.where, i);
      out.rules.push_back(rule(route.rules[i], out.meta, where));
    }
    objects_.routes.push_back(std::move(out));
  }

 private:
  RuleObject rule(const AiRouteRule& rule, const ObjectMeta& route, const std::string& where) {
    RuleObject out;
    out.where = where;
    out.name = rule.name;
    out.tag = next_tag_++;
    for (const auto& headers : rule.matches) out.matches.push_back(match(headers, where));
    if (out.matches.empty()) out.matches.emplace_back();
    out.request_timeout = rule.request_timeout;
    if (rule.backend_timeout > Duration::zero()) out.backend_timeout = rule.backend_timeout;
    if (rule.stream_idle_timeout > Duration::zero())
      out.stream_idle_timeout = rule.stream_idle_timeout;
    for (std::size_t i = 0; i < rule.backends.size(); ++i) {
      const std::string at = fmt::format("{}.backendRefs[{}]", where, i);
      out.backends.push_back(backend(rule.backends[i], route, at));
    }
    return out;
  }

  RouteMatch match(const std::vector<RouteHeaderMatch>& headers, const std::string& where) {
    RouteMatch out;
    for (const RouteHeaderMatch& header : headers) {
      ValueMatch value{header.name, header.value, nullptr};
      if (header.regex) {
        auto pattern = Regex::compile(header.value);
        if (!pattern) problems_.add(where + ".matches", pattern.error().message());
        if (pattern) value.regex = *pattern;
      }
      out.headers.push_back(std::move(value));
    }
    return out;
  }

  BackendObject backend(const RouteBackend& ref, const ObjectMeta& route,
                        const std::string& where) {
    BackendObject out;
    out.name = ref.backend;
    out.weight = ref.weight;
    out.priority = ref.priority;
    out.ref.where = where;
    if (ref.inference_pool) {
      out.ref.group = kPoolGroup;
      out.ref.kind = "InferencePool";
      split(ref.backend, out.ref.name_space, out.ref.name);
      return out;
    }
    const ServiceBackend& service = *config_.backend(ref.backend);
    check_grant(ref.backend, route, where);
    out.ref.kind = service.ref_kind;
    out.ref.group = service.ref_kind == "Backend"         ? kEnvoyGroup
                    : service.ref_kind == "InferencePool" ? kPoolGroup
                                                          : "";
    if (service.ref_port > 0) out.ref.port = service.ref_port;
    split(service.backend_ref, out.ref.name_space, out.ref.name);
    return out;
  }

  // A route of one namespace names a backend of another only where that one allows it: its key
  // would be spent.
  void check_grant(const ObjectName& backend, const ObjectMeta& route, const std::string& where) {
    std::string name_space, name;
    split(backend, name_space, name);
    if (name_space == route.name_space) return;
    const auto grants = [&](const GrantObject& grant) {
      return grant.meta.name_space == name_space &&
             std::any_of(grant.from.begin(), grant.from.end(),
                         [&](const ObjectRef& from) {
                           return from.kind == "AIGatewayRoute" &&
                                  from.name_space == route.name_space;
                         }) &&
             std::any_of(grant.to.begin(), grant.to.end(), [&](const ObjectRef& to) {
               return to.kind == "AIServiceBackend" && (to.name.empty() || to.name == name);
             });
    };
    if (std::any_of(objects_.grants.begin(), objects_.grants.end(), grants)) return;
    problems_.add(where, fmt::format("no ReferenceGrant in namespace {} lets AIGatewayRoutes of {} "
                                     "name AIServiceBackend {}",
                                     name_space, route.name_space, name));
  }

  const AiConfig& config_;
  Objects& objects_;
  Problems& problems_;
  std::uint32_t next_tag_ = 0;
};

// Problems come as one text with a line each.
void add_lines(const Status& status, Problems& problems) {
  std::string_view rest = status.message();
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    problems.add("", rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

}  // namespace

std::span<const PartKind> AiPart::kinds() const { return kKinds; }

void AiPart::read(std::span<const std::pair<std::string, std::string>> files, Objects& objects,
                  Problems& problems) {
  config_.reset();
  if (objects.part_objects.empty()) return;
  auto parsed = parse_ai_config(files, environment_);
  if (!parsed) return add_lines(parsed.error(), problems);
  auto config = std::make_shared<const AiConfig>(std::move(*parsed));
  if (auto keys = KeyTable::make(config->keys); !keys)
    problems.add("ClientKeySet", keys.error().message());
  if (auto credentials = UpstreamCredentials::open(config, nullptr); !credentials)
    add_lines(credentials.error(), problems);
  RouteMaker maker(*config, objects, problems);
  for (const AiRoute& route : config->routes) maker.add(route);
  config_ = std::move(config);
}

}  // namespace nacelle::gateway::ai
