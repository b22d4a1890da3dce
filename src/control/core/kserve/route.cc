#include "control/core/kserve/route.h"

#include <algorithm>

#include "control/core/kserve/decide.h"

namespace nacelle::control::kserve {
namespace {

using kube::find;
using kube::text_at;

std::vector<std::string> models_of(const Spec& spec) {
  std::vector<std::string> out = {spec.model.name};
  for (const Adapter& adapter : spec.model.adapters) out.push_back(adapter.name);
  std::sort(out.begin(), out.end());
  return out;
}

bool condition_is(const Json& object, std::string_view type, std::string_view status) {
  for (const Json& condition : kube::list_at(object, {"status", "conditions"})) {
    if (text_at(condition, {"type"}) == type) return text_at(condition, {"status"}) == status;
  }
  return false;
}

bool matches_header(const Json& match, const std::string& header) {
  for (const Json& each : kube::list_at(match, {"headers"})) {
    if (text_at(each, {"name"}) == header) return true;
  }
  return false;
}

// Every match of the header once more per adapter.
void add_adapter_matches(Json& rule, const Owner& owner) {
  Json more = Json::array();
  for (const Adapter& adapter : owner.spec.model.adapters) {
    for (const Json& match : rule["matches"]) {
      if (!matches_header(match, owner.global.model_header)) continue;
      Json copy = match;
      for (Json& header : copy["headers"]) {
        if (text_at(header, {"name"}) == owner.global.model_header) {
          header["value"] = publisher_name(owner.name_space(), adapter.name);
        }
      }
      more.push_back(std::move(copy));
    }
  }
  for (Json& match : more) rule["matches"].push_back(std::move(match));
}

bool is_own_backend(const Json& backend, const Owner& owner) {
  const std::string_view name = text_at(backend, {"name"});
  return name == child_name(owner.name(), "-inference-pool") ||
         name == child_name(owner.name(), "-kserve-workload-svc") ||
         name == text_at(owner.spec.scheduler, {"pool", "ref", "name"});
}

// A rule is shared when no match of it is below the service's own path and it has one of our
// backends.
bool is_shared(const Json& rule, const Owner& owner) {
  const std::string own = "/" + owner.name_space() + "/" + owner.name();
  for (const Json& match : kube::list_at(rule, {"matches"})) {
    const std::string_view path = text_at(match, {"path", "value"});
    if (path == own || path.starts_with(own + "/")) return false;
  }
  const Json& backends = kube::list_at(rule, {"backendRefs"});
  return std::any_of(backends.begin(), backends.end(),
                     [&](const Json& backend) { return is_own_backend(backend, owner); });
}

}  // namespace

std::optional<Member> member_of(const Json& service) {
  const Spec spec = parse_spec(kube::map_at(service, {"spec"}));
  if (spec.route_group().empty()) return std::nullopt;
  Member out{.name = kube::key_of(service).name,
             .weight = kube::number_at(spec.route, {"weight"}).value_or(0),
             .stopped = is_stopped(service),
             .deleting = kube::is_being_deleted(service),
             .ready = condition_is(service, "RouterReady", "True"),
             .models = models_of(spec)};
  for (const char* workload : {"primary", "prefill", "scheduler"}) {
    const Json* seen = find(service, {"status", "workloads", workload});
    if (seen != nullptr && kube::number_at(*seen, {"readyReplicas"}).value_or(0) < 1) {
      out.ready = false;
    }
  }
  if (find(service, {"status", "workloads", "primary"}) == nullptr) out.ready = false;
  for (const Json& member : kube::list_at(service, {"status", "router", "group", "members"})) {
    if (text_at(member, {"name"}) == out.name && member.contains("backendRef")) {
      out.backend = member["backendRef"];
    }
  }
  if (out.backend.is_null()) {
    const bool pool = find(service, {"status", "router", "scheduler", "inferencePool"}) != nullptr;
    out.backend = pool ? Json{{"group", "inference.networking.k8s.io"},
                              {"kind", "InferencePool"},
                              {"name", child_name(out.name, "-inference-pool")},
                              {"port", 8000}}
                       : Json{{"group", ""},
                              {"kind", "Service"},
                              {"name", child_name(out.name, "-kserve-workload-svc")},
                              {"port", 8000}};
  }
  return out;
}

Json group_backend(const Owner& owner) {
  const std::string_view ref = text_at(owner.spec.scheduler, {"pool", "ref", "name"});
  if (!ref.empty()) {
    return {{"group", "inference.networking.x-k8s.io"},
            {"kind", "InferencePool"},
            {"name", ref},
            {"port", 8000}};
  }
  if (!owner.spec.scheduler.is_null()) {
    return {{"group", "inference.networking.k8s.io"},
            {"kind", "InferencePool"},
            {"name", child_name(owner.name(), "-inference-pool")},
            {"port", 8000}};
  }
  return {{"group", ""},
          {"kind", "Service"},
          {"name", child_name(owner.name(), "-kserve-workload-svc")},
          {"port", 8000}};
}

Eligible eligible_members(const Owner& owner, const std::vector<Member>& peers) {
  Eligible out;
  const std::vector<std::string> models = models_of(owner.spec);
  Member self{.name = owner.name(),
              .weight = kube::number_at(owner.spec.route, {"weight"}).value_or(0),
              .ready = true,
              .backend = group_backend(owner),
              .models = models};
  out.members.push_back(std::move(self));
  for (const Member& peer : peers) {
    if (peer.stopped || peer.deleting || !peer.ready) continue;
    if (peer.models != models) {
      out.divergence += (out.divergence.empty() ? "" : ", ") + peer.name;
      continue;
    }
    out.members.push_back(peer);
  }
  std::sort(out.members.begin() + 1, out.members.end(),
            [](const Member& a, const Member& b) { return a.name < b.name; });
  return out;
}

std::optional<Json> route_object(const Owner& owner, const Group& group) {
  const Json* http = find(owner.spec.route, {"http", "spec"});
  if (http == nullptr || !kube::list_at(owner.spec.route, {"http", "refs"}).empty()) {
    return std::nullopt;
  }
  Json spec = *http;
  Json rules = Json::array();
  for (Json rule : kube::list_at(spec, {"rules"})) {
    const Json& matches = kube::list_at(rule, {"matches"});
    const bool by_header = std::any_of(matches.begin(), matches.end(), [&](const Json& match) {
      return matches_header(match, owner.global.model_header);
    });
    if (by_header && !group.model_routing) continue;
    if (by_header) add_adapter_matches(rule, owner);
    if (!owner.spec.route_group().empty() && is_shared(rule, owner)) {
      Json backends = Json::array();
      for (const Member& member : eligible_members(owner, group.peers).members) {
        Json backend = member.backend;
        backend["weight"] = member.weight;
        backends.push_back(std::move(backend));
      }
      rule["backendRefs"] = std::move(backends);
    }
    rules.push_back(std::move(rule));
  }
  spec["rules"] = std::move(rules);
  Json labels = common_labels(owner.name(), kComponentRouter);
  if (const std::string name = owner.spec.route_group(); !name.empty()) {
    labels[std::string(kRoutingGroupLabel)] = name;
  }
  return Json{{"apiVersion", "gateway.networking.k8s.io/v1"},
              {"kind", "HTTPRoute"},
              {"metadata",
               child_metadata(owner, child_name(owner.name(), "-kserve-route"), std::move(labels))},
              {"spec", std::move(spec)}};
}

}  // namespace nacelle::control::kserve
