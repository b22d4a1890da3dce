#include <algorithm>

#include "gateway/config/compiler.h"
#include "gateway/route/host_pattern.h"

namespace nacelle::gateway {
namespace {

class RouteCompiler {
 public:
  RouteCompiler(References& references, Clusters& clusters, const RouteObject& route,
                GatewayModel& model)
      : references_(references),
        clusters_(clusters),
        route_(route),
        model_(model),
        report_(references.report().routes[report_key(route.kind, route.meta.full_name())]) {}

  void run(const std::vector<PlacedListener>& listeners) {
    const std::vector<std::pair<const PlacedListener*, std::vector<std::string>>> attached =
        attach(listeners);
    if (attached.empty()) return;
    const References::Judging backends(references_, report_.resolved, "BackendNotFound");
    static const std::vector<RuleObject> kAnything = [] {
      std::vector<RuleObject> one(1);
      one.back().matches.emplace_back();
      return one;
    }();
    // Without rules one that matches everything and, without backends, answers 500.
    const std::vector<RuleObject>& rules = route_.rules.empty() ? kAnything : route_.rules;
    policies_ =
        references_.targeting(references_.objects().policies, route_.kind, route_.meta.full_name());
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const auto target = static_cast<std::uint32_t>(model_.rules.size());
      model_.rules.push_back(make_rule(rules[i], i));
      for (const auto& [listener, hosts] : attached) {
        if (listener->port == PlacedListener::kNowhere) continue;
        auto& entries = model_.ports[listener->port].routes[listener->listener];
        for (const std::string& host : hosts) {
          for (std::size_t j = 0; j < rules[i].matches.size(); ++j) {
            entries.push_back({host, rules[i].matches[j], route_.meta.created,
                               route_.meta.full_name(), static_cast<std::uint32_t>(i),
                               static_cast<std::uint32_t>(j), target});
          }
        }
      }
    }
  }

 private:
  bool namespace_allowed(const PlacedListener& listener) const {
    const ListenerObject& object = *listener.object;
    switch (object.from) {
      case ListenerObject::From::kAll:
        return true;
      case ListenerObject::From::kSame:
        return route_.meta.name_space == listener.gateway->meta.name_space;
      case ListenerObject::From::kSelector:
        break;
    }
    const auto found = references_.objects().namespaces.find(route_.meta.name_space);
    if (found == references_.objects().namespaces.end()) return object.selector.empty();
    return std::all_of(object.selector.begin(), object.selector.end(), [&](const auto& wanted) {
      const auto label = found->second.find(wanted.first);
      return label != found->second.end() && label->second == wanted.second;
    });
  }

  // The hosts that the route serves on the listener.
  std::vector<std::string> hosts_on(const PlacedListener& listener) const {
    if (route_.hostnames.empty()) return {listener.object->hostname};
    std::vector<std::string> hosts;
    for (const std::string& host : route_.hostnames) {
      if (auto both = intersect_hosts(host, listener.object->hostname)) hosts.push_back(*both);
    }
    return hosts;
  }

  std::vector<std::pair<const PlacedListener*, std::vector<std::string>>> attach(
      const std::vector<PlacedListener>& listeners) {
    std::vector<std::pair<const PlacedListener*, std::vector<std::string>>> attached;
    if (route_.every_listener) {
      for (const PlacedListener& listener : listeners) {
        auto hosts = hosts_on(listener);
        if (!hosts.empty()) attached.emplace_back(&listener, std::move(hosts));
      }
      return attached;
    }
    for (const ObjectRef& parent : route_.parents) {
      if (parent.group != kGatewayGroup || parent.kind != "Gateway") continue;  // a mesh's
      std::string why = "no listener of the Gateway fits sectionName and port";
      std::string_view reason = "NoMatchingParent";
      bool exists = false, found = false;
      for (const GatewayObject& gateway : references_.objects().gateways) {
        exists = exists ||
                 (gateway.meta.name == parent.name && gateway.meta.name_space == parent.name_space);
      }
      for (const PlacedListener& listener : listeners) {
        if (listener.gateway->meta.name != parent.name ||
            listener.gateway->meta.name_space != parent.name_space ||
            (!parent.section.empty() && parent.section != listener.object->name) ||
            (parent.port && *parent.port != listener.object->port)) {
          continue;
        }
        if (!namespace_allowed(listener)) {
          why = fmt::format("listener '{}' does not allow routes of namespace {}",
                            listener.object->name, route_.meta.name_space);
          reason = "NotAllowedByListeners";
          continue;
        }
        auto hosts = hosts_on(listener);
        if (hosts.empty()) {
          why = "no hostname of the route and the listener fit together";
          reason = "NoMatchingListenerHostname";
          continue;
        }
        found = true;
        const bool known = std::any_of(attached.begin(), attached.end(),
                                       [&](const auto& one) { return one.first == &listener; });
        if (known) continue;
        attached.emplace_back(&listener, std::move(hosts));
        ++listener.report->attached_routes;
      }
      if (!exists) {
        (void)references_.find(references_.objects().gateways, parent, "Gateway");
        continue;
      }
      // The Gateway of another controller is for that one to judge.
      if (!references_.report().gateways.contains(parent.name_space + "/" + parent.name)) continue;
      Finding accepted;
      if (!found) {
        references_.refuse(parent, why);
        accepted.fail(reason, why);
      }
      report_.parents.push_back({parent, accepted});
    }
    return attached;
  }

  static FilterSet filters_of(const FiltersObject& object) {
    return {object.request_headers, object.response_headers, object.redirect, object.rewrite};
  }

  RuleConfig make_rule(const RuleObject& object, std::size_t index) {
    RuleConfig rule;
    rule.route = route_.meta.full_name();
    rule.name = object.name;
    rule.cluster_name = fmt::format("{}/{}/rule/{}", route_.label, rule.route, index);
    rule.tag = object.tag;
    rule.filters = filters_of(object.filters);
    rule.cors = object.filters.cors;
    rule.invalid = object.filters.unknown;
    for (const MirrorObject& mirror : object.filters.mirrors) {
      const std::uint32_t cluster = clusters_.find_or_add(mirror.backend, route_);
      if (cluster != kNoCluster)
        rule.mirrors.push_back({cluster, mirror.numerator, mirror.denominator});
    }
    for (const BackendObject& backend : object.backends) {
      BackendConfig config;
      config.cluster = clusters_.find_or_add(backend.ref, route_);
      if (config.cluster != kNoCluster && backend.ref.kind == "InferencePool")
        report_.pools.insert(backend.ref.name_space + "/" + backend.ref.name);
      config.weight = backend.weight;
      config.priority = backend.priority;
      config.name =
          backend.name.empty() ? backend.ref.name_space + "/" + backend.ref.name : backend.name;
      if (object.tag != kNoTag) config.tag = static_cast<std::uint32_t>(rule.backends.size());
      config.filters = filters_of(backend.filters);
      rule.backends.push_back(std::move(config));
    }
    const GatewayLimits& limits = model_.settings.limits;
    // A rule's own idle limit begins with its attempt (gateway.md section 11); that of all rules
    // does not: a prefill may be longer than any pause within an answer.
    rule.first_byte_timeout = object.stream_idle_timeout.value_or(limits.first_byte_timeout);
    rule.stream_idle_timeout = object.stream_idle_timeout.value_or(limits.stream_idle_timeout);
    rule.request_timeout = object.request_timeout.value_or(Duration::zero());
    rule.backend_timeout = object.backend_timeout.value_or(Duration::zero());
    rule.retry = object.retry;
    rule.session = object.session;
    apply_policies(object, rule);
    return rule;
  }

  void apply_policies(const RuleObject& object, RuleConfig& rule) {
    // Those of the whole route first, then those of the rule by its name.
    for (const bool by_rule : {false, true}) {
      for (const PolicyObject* policy : policies_) {
        const bool meant = std::any_of(
            policy->targets.begin(), policy->targets.end(), [&](const ObjectRef& target) {
              return target.kind == route_.kind && target.name == route_.meta.name &&
                     target.name_space == route_.meta.name_space &&
                     (by_rule ? !target.section.empty() && target.section == object.name
                              : target.section.empty());
            });
        if (meant) apply(*policy, rule);
      }
    }
  }

  void apply(const PolicyObject& policy, RuleConfig& rule) {
    if (policy.retry) rule.retry = policy.retry;
    if (policy.first_byte_timeout) rule.first_byte_timeout = *policy.first_byte_timeout;
    if (policy.stream_idle_timeout) rule.stream_idle_timeout = *policy.stream_idle_timeout;
    if (policy.resume) rule.resume = *policy.resume;
    if (policy.body) rule.body = *policy.body;
    if (policy.direct) rule.direct = policy.direct;
    for (const auto& [name, level] : policy.priorities) {
      for (BackendConfig& backend : rule.backends) {
        if (backend.name == name || backend.name == route_.meta.name_space + "/" + name)
          backend.priority = level;
      }
    }
  }

  References& references_;
  Clusters& clusters_;
  const RouteObject& route_;
  GatewayModel& model_;
  RouteReport& report_;
  std::vector<const PolicyObject*> policies_;  // of the route and its rules
};

}  // namespace

void attach_routes(References& references, Clusters& clusters,
                   const std::vector<PlacedListener>& listeners, GatewayModel& model) {
  std::size_t num_rules = 0;
  for (const RouteObject& route : references.objects().routes)
    num_rules += std::max<std::size_t>(route.rules.size(), 1);
  model.rules.reserve(num_rules);
  for (const RouteObject& route : references.objects().routes) {
    RouteCompiler(references, clusters, route, model).run(listeners);
  }
}

}  // namespace nacelle::gateway
