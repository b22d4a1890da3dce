#include "gateway/config/api_status.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "gateway/config/compile.h"
#include "kube/conditions.h"

namespace nacelle::gateway {
namespace {

using nlohmann::json;

std::int64_t generation_of(const json& object) {
  return kube::number_at(object, {"metadata", "generation"}).value_or(0);
}

// Conditions of an object of one generation.
class Told {
 public:
  Told(const json& before, const json& object, const std::string& now)
      : conditions_(before, now), generation_(generation_of(object)) {}

  // `finding` holds: True with `reason`.
  void set(const char* type, const Finding& finding, const std::string& reason,
           const std::string& message) {
    const bool holds = finding.holds();
    conditions_.set({type, holds ? "True" : "False", holds ? reason : finding.reason,
                     holds ? message : finding.message, generation_});
  }
  void set_false(const char* type, const char* reason, const std::string& message) {
    conditions_.set({type, "False", reason, message, generation_});
  }
  void remove(const char* type) { conditions_.remove(type); }
  [[nodiscard]] const json& list() const { return conditions_.list(); }

 private:
  kube::Conditions conditions_;
  std::int64_t generation_;
};

Finding finding_of(bool holds, std::string_view reason, std::string_view message) {
  Finding out;
  if (!holds) out.fail(reason, message);
  return out;
}

json class_status(const json& object, const StatusFacts& facts) {
  Told told(kube::list_at(object, {"status", "conditions"}), object, facts.now);
  told.set("Accepted", {}, "Accepted", "served by Nacelle's gateway");
  return {{"conditions", told.list()}};
}

// Whether requests are served at a listener.
Finding programmed_of(const ListenerReport& report, const StatusFacts& facts) {
  Finding out = finding_of(report.serves(), "Invalid", "the listener is not served");
  if (!facts.in_force.ok()) out.fail("Pending", facts.in_force.message());
  for (const UnservedPort& port : facts.unserved) {
    if (port.address == report.address) out.fail(port.reason, port.why);
  }
  return out;
}

json listener_status(const json& object, const json& before, const std::string& name,
                     const ListenerReport& report, const StatusFacts& facts) {
  Told told(kube::list_at(before, {"conditions"}), object, facts.now);
  told.set("Accepted", report.accepted, "Accepted", "the listener is valid");
  told.set("ResolvedRefs", report.resolved, "ResolvedRefs", "all references are there");
  if (report.conflicted) {
    const Finding none;
    told.set("Conflicted", none, report.accepted.reason, report.accepted.message);
  } else {
    told.set_false("Conflicted", "NoConflicts", "no other listener is in its way");
  }
  told.set("Programmed", programmed_of(report, facts), "Programmed", "requests are served");
  return {{"name", name},
          {"supportedKinds", {{{"group", kGatewayGroup}, {"kind", "HTTPRoute"}}}},
          {"attachedRoutes", report.attached_routes},
          {"conditions", told.list()}};
}

json unreadable_gateway_status(const json& object, const std::string& why,
                               const StatusFacts& facts) {
  json status = kube::map_at(object, {"status"});
  Told told(kube::list_at(object, {"status", "conditions"}), object, facts.now);
  told.set_false("Accepted", "Invalid", why);
  told.set_false("Programmed", "Invalid", "the Gateway is not served");
  status["conditions"] = told.list();
  status["listeners"] = json::array();
  status["addresses"] = json::array();
  return status;
}

// Nothing of an object that the model does not know yet.
std::optional<json> gateway_status(const json& object, const StatusFacts& facts) {
  const std::string name = kube::key_of(object).to_string();
  if (const auto wrong = facts.report.unreadable.find(report_key("Gateway", name));
      wrong != facts.report.unreadable.end())
    return unreadable_gateway_status(object, wrong->second, facts);
  const auto found = facts.report.gateways.find(name);
  if (found == facts.report.gateways.end()) return std::nullopt;
  const auto& listeners = found->second;
  json status = kube::map_at(object, {"status"});
  Told told(kube::list_at(object, {"status", "conditions"}), object, facts.now);
  const auto accepted = [](const auto& pair) { return pair.second.accepted.holds(); };
  const bool any = std::any_of(listeners.begin(), listeners.end(), accepted);
  const bool all = std::all_of(listeners.begin(), listeners.end(), accepted);
  told.set("Accepted", finding_of(any, "ListenersNotValid", "none of the listeners can be served"),
           all ? "Accepted" : "ListenersNotValid",
           all ? "the Gateway is valid" : "some listeners cannot be served");
  // One listener that serves is enough; without one, what keeps the first valid one from it.
  const bool valid = std::any_of(listeners.begin(), listeners.end(),
                                 [](const auto& pair) { return pair.second.serves(); });
  Finding programmed = finding_of(valid, "Invalid", "none of the listeners is served");
  for (const auto& [listener, report] : listeners) {
    if (!report.serves()) continue;
    const Finding one = programmed_of(report, facts);
    if (one.holds()) {
      programmed = {};
      break;
    }
    programmed.fail(one.reason, one.message);
  }
  told.set("Programmed", programmed, "Programmed", "requests are served");

  json list = json::array();
  for (const json& spec : kube::list_at(object, {"spec", "listeners"})) {
    const std::string listener(kube::text_at(spec, {"name"}));
    json before;
    for (const json& one : kube::list_at(object, {"status", "listeners"})) {
      if (kube::text_at(one, {"name"}) == listener) before = one;
    }
    const auto report = listeners.find(listener);
    if (report != listeners.end())
      list.push_back(listener_status(object, before, listener, report->second, facts));
  }
  json addresses = json::array();
  for (const json& address : kube::list_at(object, {"spec", "addresses"})) {
    if (!kube::text_at(address, {"value"}).empty()) addresses.push_back(address);
  }
  if (addresses.empty()) {
    for (const std::string& address : facts.addresses)
      addresses.push_back({{"type", "IPAddress"}, {"value", address}});
  }
  for (json& address : addresses) address.emplace("type", "IPAddress");
  status["conditions"] = told.list();
  status["listeners"] = std::move(list);
  status["addresses"] = programmed.holds() ? std::move(addresses) : json::array();
  return status;
}

// What others wrote stays; ours are made anew.
json other_entries(const json& object, const auto& is_ours) {
  json out = json::array();
  for (const json& entry : kube::list_at(object, {"status", "parents"})) {
    if (!is_ours(entry)) out.push_back(entry);
  }
  return out;
}

json conditions_before(const json& object, const json& parent) {
  for (const json& entry : kube::list_at(object, {"status", "parents"})) {
    if (kube::map_at(entry, {"parentRef"}) == parent &&
        kube::text_at(entry, {"controllerName"}) == kControllerName)
      return kube::list_at(entry, {"conditions"});
  }
  return json::array();
}

// The name of the Gateway that a reference of a route means; "" when it means something else.
std::string gateway_of(const json& parent, const std::string& name_space) {
  const auto text = [&](const char* field, const std::string& otherwise) {
    const std::string_view value = kube::text_at(parent, {field});
    return value.empty() ? otherwise : std::string(value);
  };
  if (text("group", kGatewayGroup) != kGatewayGroup || text("kind", "Gateway") != "Gateway")
    return "";
  return text("namespace", name_space) + "/" + text("name", "");
}

bool same_parent(const json& parent, const ObjectRef& ref) {
  const auto port = kube::number_at(parent, {"port"});
  return kube::text_at(parent, {"sectionName"}) == ref.section &&
         (port ? ref.port && *port == *ref.port : !ref.port);
}

std::optional<json> route_status(const json& object, const StatusFacts& facts) {
  const kube::ObjectKey key = kube::key_of(object);
  const std::string report_name = report_key("HTTPRoute", key.to_string());
  const auto wrong = facts.report.unreadable.find(report_name);
  const auto report = facts.report.routes.find(report_name);
  if (wrong == facts.report.unreadable.end() && report == facts.report.routes.end())
    return std::nullopt;
  json parents = other_entries(object, [](const json& entry) {
    return kube::text_at(entry, {"controllerName"}) == kControllerName;
  });
  for (const json& parent : kube::list_at(object, {"spec", "parentRefs"})) {
    const std::string gateway = gateway_of(parent, key.name_space);
    if (!facts.report.gateways.contains(gateway)) continue;
    Finding accepted, resolved;
    if (wrong != facts.report.unreadable.end()) {
      accepted.fail("UnsupportedValue", wrong->second);
    } else {
      resolved = report->second.resolved;
      for (const RouteReport::Parent& one : report->second.parents) {
        if (one.gateway.name_space + "/" + one.gateway.name == gateway &&
            same_parent(parent, one.gateway))
          accepted = one.accepted;
      }
    }
    Told told(conditions_before(object, parent), object, facts.now);
    told.set("Accepted", accepted, "Accepted", "the route is attached");
    told.set("ResolvedRefs", resolved, "ResolvedRefs", "all references are there");
    parents.push_back(
        {{"parentRef", parent}, {"controllerName", kControllerName}, {"conditions", told.list()}});
  }
  return json{{"parents", std::move(parents)}};
}

// Gateways of ours whose routes send to a pool, by the pool's name, in the order of their names.
std::map<std::string, std::set<kube::ObjectKey>> gateways_by_pool(const StatusFacts& facts) {
  std::map<std::string, std::set<kube::ObjectKey>> out;
  for (const auto& [key, route] : facts.report.routes) {
    for (const RouteReport::Parent& parent : route.parents) {
      if (!parent.accepted.holds()) continue;
      for (const std::string& pool : route.pools) {
        out[pool].insert({parent.gateway.name_space, parent.gateway.name});
      }
    }
  }
  return out;
}

json pool_status(const json& object, const std::set<kube::ObjectKey>& gateways,
                 const StatusFacts& facts) {
  json parents = other_entries(object, [](const json& entry) {
    return kube::text_at(entry, {"controllerName"}) == kControllerName;
  });
  for (const kube::ObjectKey& key : gateways) {
    const json parent = {{"group", kGatewayGroup},
                         {"kind", "Gateway"},
                         {"namespace", key.name_space},
                         {"name", key.name}};
    Told told(conditions_before(object, parent), object, facts.now);
    told.set("Accepted", {}, "Accepted", "a route of the Gateway sends to the pool");
    // The gateway picks by itself: a picker that is named is neither asked nor needed.
    told.set("ResolvedRefs", {}, "ResolvedRefs", "the gateway picks in process");
    parents.push_back(
        {{"parentRef", parent}, {"controllerName", kControllerName}, {"conditions", told.list()}});
  }
  return {{"parents", std::move(parents)}};
}

bool is_our_class(const json& object) {
  return kube::text_at(object, {"spec", "controllerName"}) == kControllerName;
}

}  // namespace

std::vector<StatusWrite> StatusTeller::differing(const std::vector<ApiObject>& objects,
                                                 const StatusFacts& facts) {
  ++turn_;
  std::set<std::string> gateways;
  for (const auto& [name, listeners] : facts.report.gateways) gateways.insert(name);
  if (gateways != gateways_) settled_.clear();  // whose parents are ours
  gateways_ = std::move(gateways);

  std::set<std::string, std::less<>> classes;
  bool any_class = false;
  for (const ApiObject& object : objects) {
    if (kube::text_at(*object, {"kind"}) != "GatewayClass") continue;
    any_class = true;
    if (is_our_class(*object)) classes.insert(kube::key_of(*object).name);
  }
  auto pools = gateways_by_pool(facts);
  std::vector<StatusWrite> out;
  for (const ApiObject& object : objects) {
    const std::string_view kind = kube::text_at(*object, {"kind"});
    std::optional<json> status;
    std::optional<Settled> now;  // of a kind that there is much of
    if (kind == "GatewayClass") {
      if (!is_our_class(*object)) continue;
      status = class_status(*object, facts);
    } else if (kind == "Gateway") {
      if (any_class && !classes.contains(kube::text_at(*object, {"spec", "gatewayClassName"})))
        continue;
      status = gateway_status(*object, facts);
    } else if (kind == "HTTPRoute" || kind == "InferencePool") {
      const std::string name = kube::key_of(*object).to_string();
      now.emplace();
      if (kind == "InferencePool") {
        now->gateways = std::move(pools[name]);
      } else {
        const std::string key = report_key(kind, name);
        if (const auto route = facts.report.routes.find(key); route != facts.report.routes.end())
          now->route = route->second;
        if (const auto wrong = facts.report.unreadable.find(key);
            wrong != facts.report.unreadable.end())
          now->unreadable = wrong->second;
      }
      if (const auto before = settled_.find(object); before != settled_.end() &&
                                                     before->second.route == now->route &&
                                                     before->second.unreadable == now->unreadable &&
                                                     before->second.gateways == now->gateways) {
        before->second.turn = turn_;
        continue;
      }
      status = kind == "HTTPRoute" ? route_status(*object, facts)
                                   : pool_status(*object, now->gateways, facts);
    }
    const bool nothing = !status || (!object->contains("status") && status->contains("parents") &&
                                     (*status)["parents"].empty());
    if (!nothing && kube::map_at(*object, {"status"}) != *status) {
      out.push_back({object, std::move(*status)});
    } else if (now) {
      now->turn = turn_;
      settled_.insert_or_assign(object, std::move(*now));
    }
  }
  std::erase_if(settled_, [this](const auto& entry) { return entry.second.turn != turn_; });
  return out;
}

std::vector<StatusWrite> statuses_of(const std::vector<ApiObject>& objects,
                                     const StatusFacts& facts) {
  return StatusTeller().differing(objects, facts);
}

}  // namespace nacelle::gateway
