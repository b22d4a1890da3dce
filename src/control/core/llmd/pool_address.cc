#include "control/core/llmd/pool_address.h"

#include <algorithm>
#include <utility>

#include "control/core/children.h"
#include "control/core/kserve/addresses.h"
#include "control/core/kserve/names.h"
#include "kube/time.h"

namespace nacelle::control::llmd {
namespace {

using kube::number_at;
using kube::text_at;

constexpr std::size_t kMostRules = 16;  // of an HTTPRoute
constexpr const char* kModelsRule = "models";
constexpr const char* kCondition = "RouterReady";

// The services of each model, by its name.
using Models = std::map<std::string, std::vector<const Json*>>;

Models models_of(const std::vector<Json>& members) {
  Models out;
  for (const Json& member : members) {
    const std::string id(text_at(member, {"spec", "model", "id"}));
    if (!id.empty()) out[id].push_back(&member);
  }
  return out;
}

// The gateway reads the model of a request.
bool names_models(const kserve::GlobalConfig& global) {
  return !global.model_header.empty() && global.model_routing_mode != "disabled";
}

class PoolObjects {
 public:
  PoolObjects(const Json& pool, const std::vector<Json>& members, const PoolFront& front)
      : pool_(pool), front_(front), key_(kube::key_of(pool)), models_(models_of(members)) {}

  std::vector<Json> run() {
    std::vector<Json> out;
    if (front_.gateway.is_null() || !names_models(front_.global)) return out;
    add_routes("-pool-route", path(), Json(), out);
    if (const Json* listener = plain_listener()) {
      const std::string dns = key_.name + "." + key_.name_space;
      Json hosts = {host(), dns + ".svc", dns};
      add_routes("-pool-cluster-route", "", std::move(hosts), out);
      add_service(*listener, out);
    }
    if (front_.own_gateway && !targets_.empty()) out.push_back(models_policy());
    return out;
  }

  [[nodiscard]] std::string path() const { return "/pools/" + key_.name_space + "/" + key_.name; }
  [[nodiscard]] std::string host() const {
    return key_.name + "." + key_.name_space + ".svc." + front_.global.cluster_domain;
  }

 private:
  [[nodiscard]] Json metadata(const std::string& name) const {
    return {{"name", name},
            {"namespace", key_.name_space},
            {"labels",
             {{"app.kubernetes.io/name", key_.name},
              {"app.kubernetes.io/part-of", "llminferencepool"}}},
            {"ownerReferences",
             {{{"apiVersion", text_at(pool_, {"apiVersion"})},
               {"kind", text_at(pool_, {"kind"})},
               {"name", key_.name},
               {"uid", text_at(pool_, {"metadata", "uid"})},
               {"controller", true},
               {"blockOwnerDeletion", true}}}}};
  }

  // Models of more services than one route has rules for go on in the next one.
  void add_routes(const std::string& suffix, const std::string& prefix, Json hosts,
                  std::vector<Json>& out) {
    Json rules = Json::array();
    if (front_.own_gateway) rules.push_back(list_rule(prefix));
    if (rules.empty() && models_.empty()) return;
    auto model = models_.begin();
    for (int number = 1; number == 1 || model != models_.end(); ++number) {
      for (; model != models_.end() && rules.size() < kMostRules; ++model)
        rules.push_back(model_rule(model->first, model->second, prefix));
      std::string name = suffix;
      if (number > 1) name += "-" + std::to_string(number);
      name = kserve::child_name(key_.name, name);
      if (number == 1 && front_.own_gateway) targets_.push_back(name);
      const kube::ObjectKey gateway = kube::key_of(front_.gateway);
      Json spec = {{"parentRefs",
                    {{{"group", "gateway.networking.k8s.io"},
                      {"kind", "Gateway"},
                      {"name", gateway.name},
                      {"namespace", gateway.name_space}}}},
                   {"rules", std::exchange(rules, Json::array())}};
      if (!hosts.is_null()) spec["hostnames"] = hosts;
      out.push_back({{"apiVersion", "gateway.networking.k8s.io/v1"},
                     {"kind", "HTTPRoute"},
                     {"metadata", metadata(name)},
                     {"spec", std::move(spec)}});
    }
  }

  [[nodiscard]] static Json list_rule(const std::string& prefix) {
    return {
        {"name", kModelsRule},
        {"matches",
         {{{"path", {{"type", "Exact"}, {"value", prefix + "/v1/models"}}}, {"method", "GET"}}}}};
  }

  [[nodiscard]] Json model_rule(const std::string& model, const std::vector<const Json*>& services,
                                const std::string& prefix) const {
    Json rule = {{"timeouts", {{"request", "0s"}, {"backendRequest", "0s"}}}};
    for (const std::string& name : {model, kserve::publisher_name(key_.name_space, model)}) {
      rule["matches"].push_back(
          {{"path", {{"type", "PathPrefix"}, {"value", prefix + "/v1"}}},
           {"headers",
            {{{"type", "Exact"}, {"name", front_.global.model_header}, {"value", name}}}}});
    }
    if (!prefix.empty()) {
      rule["filters"] = Json::array(
          {{{"type", "URLRewrite"},
            {"urlRewrite",
             {{"path", {{"type", "ReplacePrefixMatch"}, {"replacePrefixMatch", "/v1"}}}}}}});
    }
    for (const Json* service : services) {
      rule["backendRefs"].push_back(
          {{"group", "inference.networking.k8s.io"},
           {"kind", "InferencePool"},
           {"name", kserve::child_name(kube::key_of(*service).name, "-inference-pool")},
           {"port", 8000},
           {"weight", 1}});
    }
    return rule;
  }

  // Where the gateway has an address and speaks HTTP.
  [[nodiscard]] const Json* plain_listener() const {
    if (gateway_address().empty()) return nullptr;
    for (const Json& listener : kube::list_at(front_.gateway, {"spec", "listeners"})) {
      if (text_at(listener, {"protocol"}) == "HTTP" && text_at(listener, {"hostname"}).empty())
        return &listener;
    }
    return nullptr;
  }

  [[nodiscard]] std::string gateway_address() const {
    for (const Json& address : kube::list_at(front_.gateway, {"status", "addresses"})) {
      if (text_at(address, {"type"}) == "Hostname") continue;
      const std::string_view value = text_at(address, {"value"});
      const bool is_address =
          value.find(':') != value.npos || value.find_first_not_of("0123456789.") == value.npos;
      if (!value.empty() && is_address) return std::string(value);
    }
    return "";
  }

  [[nodiscard]] bool is_foreign(const Json& wanted) const {
    return std::any_of(front_.children.begin(), front_.children.end(), [&](const Json& child) {
      return target_of(child) == target_of(wanted) &&
             controller_of(child) != text_at(pool_, {"metadata", "uid"});
    });
  }

  void add_service(const Json& listener, std::vector<Json>& out) const {
    const std::int64_t port = number_at(listener, {"port"}).value_or(80);
    const std::string address = gateway_address();
    out.push_back({{"apiVersion", "v1"},
                   {"kind", "Service"},
                   {"metadata", metadata(key_.name)},
                   {"spec",
                    {{"type", "ClusterIP"},
                     {"ports",
                      {{{"name", "http"},
                        {"appProtocol", "http"},
                        {"protocol", "TCP"},
                        {"port", 80},
                        {"targetPort", port}}}}}}});
    if (is_foreign(out.back())) return;  // its endpoints are not ours to add to
    Json slice = metadata(kserve::child_name(key_.name, "-pool-gateway"));
    slice["labels"]["kubernetes.io/service-name"] = key_.name;
    slice["labels"]["endpointslice.kubernetes.io/managed-by"] = "llm-inference-pool.nacelle.dev";
    out.push_back({{"apiVersion", "discovery.k8s.io/v1"},
                   {"kind", "EndpointSlice"},
                   {"metadata", std::move(slice)},
                   {"addressType", address.find(':') == address.npos ? "IPv4" : "IPv6"},
                   {"endpoints", {{{"addresses", {address}}, {"conditions", {{"ready", true}}}}}},
                   {"ports", {{{"name", "http"}, {"protocol", "TCP"}, {"port", port}}}}});
  }

  [[nodiscard]] Json models_policy() const {
    Json data = Json::array();
    for (const auto& [model, services] : models_) {
      const Json& first = *services.front();
      const auto made = kube::parse_timestamp(text_at(first, {"metadata", "creationTimestamp"}));
      data.push_back({{"id", model},
                      {"object", "model"},
                      {"created", made.value_or(0)},
                      {"owned_by", kube::key_of(first).name}});
    }
    const Json list = {{"object", "list"}, {"data", std::move(data)}};
    Json targets = Json::array();
    for (const std::string& route : targets_) {
      targets.push_back({{"group", "gateway.networking.k8s.io"},
                         {"kind", "HTTPRoute"},
                         {"name", route},
                         {"sectionName", kModelsRule}});
    }
    return {{"apiVersion", "gateway.nacelle.dev/v1alpha1"},
            {"kind", "GatewayPolicy"},
            {"metadata", metadata(kserve::child_name(key_.name, "-pool-models"))},
            {"spec",
             {{"targetRefs", std::move(targets)},
              {"directResponse",
               {{"body", list.dump(-1, ' ', false, Json::error_handler_t::replace)}}}}}};
  }

  const Json& pool_;
  const PoolFront& front_;
  const kube::ObjectKey key_;
  const Models models_;
  std::vector<std::string> targets_;  // routes that list models
};

// Of the objects that are there.
std::vector<kserve::Address> addresses_of(const Json& pool, const std::vector<Json>& wanted,
                                          const PoolFront& front) {
  std::vector<kserve::Address> out;
  const PoolObjects names(pool, {}, front);
  for (const Json& object : wanted) {
    const std::string_view kind = text_at(object, {"kind"});
    if (kind == "HTTPRoute" && !object["spec"].contains("hostnames") && out.empty()) {
      out = kserve::addresses_at(front.gateway, object, names.path(), front.global.url_scheme);
    } else if (kind == "Service") {
      const std::string url = "http://" + names.host();
      std::string address;
      for (const Json& child : front.children) {
        if (target_of(child) == target_of(object)) address = text_at(child, {"spec", "clusterIP"});
      }
      if (address.empty() || address == "None") continue;
      out.push_back({.entry = {{"name", "cluster"}, {"url", url}},
                     .ask = {.url = url,
                             .host = address,
                             .port = 80,
                             .authority = names.host(),
                             .path = "/v1/models"}});
    }
  }
  // Nobody lists models behind another gateway: any answer of it is one.
  for (kserve::Address& address : out) address.ask.any_answer = !front.own_gateway;
  return out;
}

}  // namespace

std::vector<Json> pool_objects(const Json& pool, const std::vector<Json>& members,
                               const PoolFront& front) {
  return PoolObjects(pool, members, front).run();
}

void publish_pool(const Json& pool, const std::vector<Json>& members, const PoolFront& front,
                  Json& status, kube::Conditions& conditions, Decision& decision) {
  const std::vector<Json> wanted = pool_objects(pool, members, front);
  ChildrenPlan plan =
      plan_children(std::string(text_at(pool, {"metadata", "uid"})), wanted, front.children);
  for (Action& action : plan.actions) decision.actions.push_back(std::move(action));
  std::string why;
  const char* reason = "ReconcileError";
  for (const Target& foreign : plan.foreign)
    why = foreign.kind + " " + foreign.name + " is controlled by somebody else";
  for (const std::string& refusal : front.refused) why += (why.empty() ? "" : "; ") + refusal;
  if (front.gateway.is_null()) {
    reason = "RefsInvalid";
    why = "Gateway " + front.global.gateway_namespace + "/" + front.global.gateway_name +
          " does not exist";
  } else if (!names_models(front.global)) {
    reason = "ModelRoutingDisabled";
    why = "requests are not routed by their model here";
  }
  const bool foreign = std::any_of(plan.foreign.begin(), plan.foreign.end(),
                                   [](const Target& target) { return target.kind == "Service"; });
  Json list = Json::array();
  std::string silent, url;
  for (const kserve::Address& address : addresses_of(pool, wanted, front)) {
    if (foreign && text_at(address.entry, {"name"}) == "cluster") continue;
    const kserve::Heard heard = kserve::heard_of(address, front.answers, status);
    if (!heard.settled) decision.asks.push_back(address.ask);
    if (!heard.answered) {
      if (silent.empty()) silent = heard.instead;
      continue;
    }
    if (url.empty()) url = text_at(address.entry, {"url"});
    list.push_back(address.entry);
  }
  if (why.empty() && list.empty() && !silent.empty()) {
    reason = "AddressNotAnswered";
    why = silent;
  }
  // One that answers is enough; what is silent is told.
  conditions.set(why.empty() ? kube::Condition{kCondition, "True", "", silent}
                             : kube::Condition{kCondition, "False", reason, why});
  const auto set_or_erase = [&](const char* field, Json value) {
    if (value.empty())
      status.erase(field);
    else
      status[field] = std::move(value);
  };
  set_or_erase("addresses", std::move(list));
  if (url.empty()) {
    status.erase("url");
  } else {
    status["url"] = url;
  }
}

}  // namespace nacelle::control::llmd
