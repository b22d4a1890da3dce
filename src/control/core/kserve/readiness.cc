#include "control/core/kserve/readiness.h"

#include <algorithm>
#include <array>

#include "control/core/kserve/preset_catalogue.h"
#include "control/core/pod_cause.h"

namespace nacelle::control::kserve {
namespace {

using kube::Condition;
using kube::Conditions;
using kube::find;
using kube::text_at;

const Json* condition_of(const Json& object, std::string_view type) {
  for (const Json& condition : kube::list_at(object, {"status", "conditions"})) {
    if (text_at(condition, {"type"}) == type) return &condition;
  }
  return nullptr;
}

bool is_true(const Json* condition) {
  return condition != nullptr && text_at(*condition, {"status"}) == "True";
}

std::vector<const Json*> pods_of(const Observed& observed, std::string_view component) {
  std::vector<const Json*> out;
  for (const Json& pod : observed.pods) {
    const std::string_view of = text_at(pod, {"metadata", "labels", "app.kubernetes.io/component"});
    if (of == component) out.push_back(&pod);
  }
  return out;
}

// A workload's own condition, with the cause in a pod where one is known.
Condition workload_condition(std::string type, const Json* workload,
                             const std::vector<const Json*>& pods,
                             Unseen unseen = Unseen::kNotReady) {
  Condition out{.type = std::move(type), .status = "False", .reason = "Progressing"};
  if (workload == nullptr) {
    out.message = "the workload is not created yet";
    return out;
  }
  const Json* available = condition_of(*workload, "Available");
  const auto generation = kube::number_at(*workload, {"metadata", "generation"});
  const auto observed = kube::number_at(*workload, {"status", "observedGeneration"});
  // The status of a LeaderWorkerSet does not say of which generation it speaks.
  const bool silent = !observed && text_at(*workload, {"kind"}) == "LeaderWorkerSet";
  const bool current =
      unseen == Unseen::kAsBefore || !generation || silent || observed >= generation;
  if (available != nullptr && current) {
    out.status = std::string(text_at(*available, {"status"}));
    out.reason = std::string(text_at(*available, {"reason"}));
    out.message = std::string(text_at(*available, {"message"}));
  }
  // Nothing wanted is nothing missing.
  if (kube::number_at(*workload, {"spec", "replicas"}) == 0 && current) {
    out.status = "True";
    out.reason = "ScaledToZero";
    out.message = "no replica is wanted";
    return out;
  }
  if (out.status == "True") return out;
  const Json* progressing = condition_of(*workload, "Progressing");
  if (progressing != nullptr && text_at(*progressing, {"status"}) == "False") {
    out.reason = std::string(text_at(*progressing, {"reason"}));
    out.message = std::string(text_at(*progressing, {"message"}));
  }
  if (const auto cause = worst_cause(pods)) {
    out.reason = cause->reason;
    out.message = cause->message;
  }
  return out;
}

// Old pods may answer while new ones cannot start: that is said beside, and does not undo Ready.
// Of a Deployment only: a LeaderWorkerSet has no deadline, and does not progress when all is done.
void rollout_condition(const Owner& owner, const Observed& observed, Conditions& conditions) {
  const Json* workload = owner.spec.main.multi_node()
                             ? nullptr
                             : child_of(observed, "Deployment", workload_name(owner, false));
  const Json* progressing = workload == nullptr ? nullptr : condition_of(*workload, "Progressing");
  if (progressing == nullptr || text_at(*progressing, {"status"}) != "False") {
    conditions.remove("RolloutStuck");
    return;
  }
  Condition out{.type = "RolloutStuck",
                .status = "True",
                .reason = std::string(text_at(*progressing, {"reason"})),
                .message = std::string(text_at(*progressing, {"message"}))};
  if (const auto cause = worst_cause(pods_of(observed, kComponentWorkload))) {
    out.reason = cause->reason;
    out.message = cause->message;
  }
  conditions.set(out);
}

void scaling_condition(const Owner& owner, const Observed& observed, const Workload& workload,
                       bool prefill, Conditions& conditions) {
  const std::string type = prefill ? "PrefillScalingReady" : "ScalingReady";
  if (workload.scaling.is_null()) {
    conditions.remove(type);
    return;
  }
  const std::string middle = prefill ? "-kserve-prefill" : "-kserve";
  const bool hpa = find(workload.scaling, {"wva", "hpa"}) != nullptr;
  const Json* scaler = child_of(observed, hpa ? "HorizontalPodAutoscaler" : "ScaledObject",
                                child_name(owner.name(), middle + (hpa ? "-hpa" : "-keda")));
  Condition out{.type = type,
                .status = "False",
                .reason = hpa ? "HPAProgressing" : "ScaledObjectProgressing",
                .message = "waiting for the scaler"};
  if (scaler != nullptr && !hpa) {
    const Json* ready = condition_of(*scaler, "Ready");
    if (is_true(ready))
      out = {.type = type, .status = "True", .reason = "", .message = ""};
    else if (ready != nullptr)
      out.message = std::string(text_at(*ready, {"message"}));
  } else if (scaler != nullptr) {
    const Json* able = condition_of(*scaler, "AbleToScale");
    const Json* active = condition_of(*scaler, "ScalingActive");
    const auto is_false = [](const Json* c) { return c && text_at(*c, {"status"}) == "False"; };
    if (able != nullptr && !is_false(able) && !is_false(active)) {
      out = {.type = type, .status = "True", .reason = "", .message = ""};
    } else if (is_false(active)) {
      out.message = std::string(text_at(*active, {"message"}));
    }
  }
  conditions.set(out);
}

// The first of `parts` that is False gives reason and message; absent ones do not count.
template <std::size_t N>
void summarise(std::string type, const std::array<std::string_view, N>& parts,
               Conditions& conditions) {
  Condition out{.type = std::move(type), .status = "True", .reason = "", .message = ""};
  for (const std::string_view part : parts) {
    const Json* condition = conditions.find(part);
    if (condition == nullptr || text_at(*condition, {"status"}) == "True") continue;
    out.status = std::string(text_at(*condition, {"status"}));
    out.reason = std::string(text_at(*condition, {"reason"}));
    out.message = std::string(text_at(*condition, {"message"}));
    break;
  }
  conditions.set(out);
}

bool route_ready(const Json& route, Unseen unseen, std::string& why) {
  const Json& parents = kube::list_at(route, {"spec", "parentRefs"});
  const Json& seen = kube::list_at(route, {"status", "parents"});
  const auto generation = kube::number_at(route, {"metadata", "generation"});
  for (const Json& parent : parents) {
    const std::string name(text_at(parent, {"name"}));
    const auto entry = std::find_if(seen.begin(), seen.end(), [&](const Json& each) {
      const std::string_view wanted = text_at(parent, {"namespace"});
      const std::string_view got = text_at(each, {"parentRef", "namespace"});
      return text_at(each, {"parentRef", "name"}) == name &&
             (wanted.empty() || got.empty() || wanted == got) &&
             text_at(each, {"parentRef", "sectionName"}) == text_at(parent, {"sectionName"});
    });
    const std::string route_name = kube::key_of(route).to_string();
    if (entry == seen.end()) {
      why = "HTTPRoute " + route_name + " has no status of gateway " + name;
      return false;
    }
    for (const char* type : {"Accepted", "ResolvedRefs"}) {
      bool good = false;
      std::string message = "is not reported";
      for (const Json& condition : kube::list_at(*entry, {"conditions"})) {
        if (text_at(condition, {"type"}) != type) continue;
        const auto at = kube::number_at(condition, {"observedGeneration"});
        const bool stale = unseen == Unseen::kNotReady && generation && at && *at < *generation;
        good = text_at(condition, {"status"}) == "True" && !stale;
        message = stale ? "is stale"
                        : std::string(text_at(condition, {"reason"})) + " " +
                              std::string(text_at(condition, {"message"}));
      }
      if (!good) {
        why = "HTTPRoute " + route_name + " at gateway " + name + ": " + type + " " + message;
        return false;
      }
    }
  }
  return !parents.empty();
}

void pool_condition(const Owner& owner, const Observed& observed, Conditions& conditions) {
  if (owner.spec.scheduler.is_null()) {
    conditions.remove("InferencePoolReady");
    return;
  }
  Condition out{.type = "InferencePoolReady", .status = "False", .reason = "InferencePoolNotReady"};
  std::string name(text_at(owner.spec.scheduler, {"pool", "ref", "name"}));
  if (name.empty()) name = child_name(owner.name(), "-inference-pool");
  const auto gateways = gateways_of(owner, observed);
  if (gateways.empty()) {
    out.reason = "WaitingForGateway";
    out.message = "no gateway is known for pool " + name;
    conditions.set(out);
    return;
  }
  for (const Json* gateway : gateways) {
    bool accepted = false;
    std::string message = "is not accepted yet";
    for (const Json& child : observed.children) {
      if (text_at(child, {"kind"}) != "InferencePool" || kube::key_of(child).name != name) continue;
      for (const Json& parent : kube::list_at(child, {"status", "parents"})) {
        if (text_at(parent, {"parentRef", "name"}) != kube::key_of(*gateway).name) continue;
        for (const Json& condition : kube::list_at(parent, {"conditions"})) {
          if (text_at(condition, {"type"}) != "Accepted") continue;
          accepted = accepted || text_at(condition, {"status"}) == "True";
          message = std::string(text_at(condition, {"message"}));
        }
      }
    }
    if (accepted) continue;
    out.message =
        "pool " + name + " at gateway " + kube::key_of(*gateway).to_string() + " " + message;
    conditions.set(out);
    return;
  }
  conditions.set({.type = "InferencePoolReady", .status = "True", .reason = "", .message = ""});
}

void available_condition(const char* type, const Json* deployment,
                         const std::vector<const Json*>& pods, Conditions& conditions) {
  Condition out = workload_condition(type, deployment, pods);
  if (deployment != nullptr &&
      kube::number_at(*deployment, {"status", "availableReplicas"}).value_or(0) > 0) {
    out.status = "True";
  }
  conditions.set(out);
}

}  // namespace

const Json* child_of(const Observed& observed, std::string_view kind, std::string_view name) {
  for (const Json& child : observed.children) {
    if (text_at(child, {"kind"}) == kind && kube::key_of(child).name == name) return &child;
  }
  return nullptr;
}

void workload_conditions(const Owner& owner, const Observed& observed, Conditions& conditions,
                         Unseen unseen) {
  const auto one = [&](const Workload* workload, bool prefill) {
    const char* single = prefill ? "PrefillWorkloadReady" : "MainWorkloadReady";
    const char* multi = prefill ? "PrefillWorkerWorkloadReady" : "WorkerWorkloadReady";
    if (workload == nullptr) {
      conditions.remove(single);
      conditions.remove(multi);
      conditions.remove("PrefillScalingReady");
      return;
    }
    const bool many = workload->multi_node();
    conditions.remove(many ? single : multi);
    std::string component =
        many ? "llminferenceservice-workload-leader" : std::string(kComponentWorkload);
    if (prefill) component += "-prefill";
    const Json* object =
        child_of(observed, many ? "LeaderWorkerSet" : "Deployment", workload_name(owner, prefill));
    conditions.set(
        workload_condition(many ? multi : single, object, pods_of(observed, component), unseen));
    scaling_condition(owner, observed, *workload, prefill, conditions);
  };
  one(&owner.spec.main, false);
  one(owner.spec.prefill ? &*owner.spec.prefill : nullptr, true);
  rollout_condition(owner, observed, conditions);
  summarise("WorkloadsReady",
            std::array<std::string_view, 6>{"MainWorkloadReady", "WorkerWorkloadReady",
                                            "PrefillWorkloadReady", "PrefillWorkerWorkloadReady",
                                            "ScalingReady", "PrefillScalingReady"},
            conditions);
}

std::vector<const Json*> routes_of(const Owner& owner, const Observed& observed) {
  std::vector<const Json*> out;
  const Json& refs = kube::list_at(owner.spec.route, {"http", "refs"});
  for (const Json& ref : refs) {
    for (const Json& route : observed.routes) {
      if (kube::key_of(route).name == text_at(ref, {"name"})) out.push_back(&route);
    }
  }
  if (!refs.empty() || owner.spec.route.is_null()) return out;
  if (const Json* own =
          child_of(observed, "HTTPRoute", child_name(owner.name(), "-kserve-route"))) {
    out.push_back(own);
  }
  return out;
}

std::vector<const Json*> gateways_of(const Owner& owner, const Observed& observed) {
  std::vector<const Json*> out;
  const auto add = [&](const Json& ref, const std::string& home) {
    std::string where(text_at(ref, {"namespace"}));
    if (where.empty()) where = home;
    for (const Json& gateway : observed.gateways) {
      const kube::ObjectKey key = kube::key_of(gateway);
      if (key.name == text_at(ref, {"name"}) && key.name_space == where &&
          std::find(out.begin(), out.end(), &gateway) == out.end()) {
        out.push_back(&gateway);
      }
    }
  };
  for (const Json* route : routes_of(owner, observed)) {
    for (const Json& parent : kube::list_at(*route, {"spec", "parentRefs"})) {
      add(parent, owner.name_space());
    }
  }
  for (const Json& ref : kube::list_at(owner.spec.gateway, {"refs"})) add(ref, owner.name_space());
  return out;
}

std::string missing_references(const Owner& owner, const Observed& observed) {
  std::string out;
  const auto miss = [&](const std::string& text) { out += (out.empty() ? "" : "; ") + text; };
  const auto need_gateway = [&](const Json& ref) {
    std::string where(text_at(ref, {"namespace"}));
    if (where.empty()) where = owner.name_space();
    const std::string name(text_at(ref, {"name"}));
    const bool there =
        std::any_of(observed.gateways.begin(), observed.gateways.end(), [&](const Json& gateway) {
          return kube::key_of(gateway) == kube::ObjectKey{where, name};
        });
    if (!there) miss("Gateway " + where + "/" + name + " does not exist");
  };
  for (const Json& ref : kube::list_at(owner.spec.gateway, {"refs"})) need_gateway(ref);
  for (const Json& ref : kube::list_at(owner.spec.route, {"http", "refs"})) {
    const std::string name(text_at(ref, {"name"}));
    const auto route =
        std::find_if(observed.routes.begin(), observed.routes.end(),
                     [&](const Json& each) { return kube::key_of(each).name == name; });
    if (route == observed.routes.end()) {
      miss("HTTPRoute " + owner.name_space() + "/" + name + " does not exist");
      continue;
    }
    const Json& parents = kube::list_at(*route, {"spec", "parentRefs"});
    if (parents.empty())
      miss("HTTPRoute " + owner.name_space() + "/" + name + " has no parentRefs");
    for (const Json& parent : parents) need_gateway(parent);
  }
  if (kube::list_at(owner.spec.gateway, {"refs"}).empty()) {
    for (const Json& parent : kube::list_at(owner.spec.route, {"http", "spec", "parentRefs"})) {
      need_gateway(parent);
    }
  }
  return out;
}

void router_conditions(const Owner& owner, const Observed& observed, Conditions& conditions,
                       Unseen unseen) {
  const std::string missing = missing_references(owner, observed);
  const auto routes = routes_of(owner, observed);
  if (owner.spec.route.is_null()) {
    conditions.remove("HTTPRoutesReady");
  } else {
    Condition out{.type = "HTTPRoutesReady", .status = "True", .reason = "", .message = ""};
    std::string why = routes.empty() ? "the HTTPRoute is not created yet" : "";
    bool ready = !routes.empty();
    for (const Json* route : routes) ready = ready && route_ready(*route, unseen, why);
    if (!missing.empty()) {
      out = {"HTTPRoutesReady", "False", "RefsInvalid", missing};
    } else if (!ready) {
      out = {"HTTPRoutesReady", "False", "HTTPRoutesNotReady", why};
    }
    conditions.set(out);
  }
  const auto gateways = gateways_of(owner, observed);
  if (owner.spec.route.is_null() && owner.spec.gateway.is_null()) {
    conditions.remove("GatewaysReady");
  } else {
    Condition out{.type = "GatewaysReady", .status = "True", .reason = "", .message = ""};
    if (!missing.empty()) out = {"GatewaysReady", "False", "RefsInvalid", missing};
    for (const Json* gateway : gateways) {
      if (out.status == "False" || is_true(condition_of(*gateway, "Programmed"))) continue;
      out = {"GatewaysReady", "False", "GatewaysNotReady",
             "Gateway " + kube::key_of(*gateway).to_string() + " is not programmed"};
    }
    conditions.set(out);
  }
  pool_condition(owner, observed, conditions);
  const bool has_picker = owner.spec.managed_scheduler() && !owner.platform.picker_in_gateway;
  if (owner.spec.managed_scheduler() && !has_picker) {
    conditions.set(
        {"SchedulerWorkloadReady", "True", "InGateway", "the gateway picks endpoints by itself"});
  } else if (has_picker) {
    available_condition(
        "SchedulerWorkloadReady",
        child_of(observed, "Deployment", child_name(owner.name(), "-kserve-router-scheduler")),
        pods_of(observed, kComponentScheduler), conditions);
  } else {
    conditions.remove("SchedulerWorkloadReady");
  }
  if (has_picker && needs_tokenizer(owner.spec)) {
    available_condition("TokenizerReady",
                        child_of(observed, "Deployment", child_name(owner.name(), "-tokenizer")),
                        pods_of(observed, "tokenizer"), conditions);
  } else {
    conditions.remove("TokenizerReady");
  }
  summarise(
      "RouterReady",
      std::array<std::string_view, 5>{"GatewaysReady", "HTTPRoutesReady", "InferencePoolReady",
                                      "SchedulerWorkloadReady", "TokenizerReady"},
      conditions);
}

void overall_condition(Conditions& conditions) {
  summarise("Ready",
            std::array<std::string_view, 3>{"PresetsCombined", "WorkloadsReady", "RouterReady"},
            conditions);
}

}  // namespace nacelle::control::kserve
