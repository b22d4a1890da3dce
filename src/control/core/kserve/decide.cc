#include "control/core/kserve/decide.h"

#include <algorithm>
#include <utility>

#include "control/core/children.h"
#include "control/core/kserve/addresses.h"
#include "control/core/kserve/canary.h"
#include "control/core/kserve/canary_objects.h"
#include "control/core/kserve/readiness.h"

namespace nacelle::control::kserve {
namespace {

using kube::Condition;
using kube::Conditions;
using kube::text_at;

constexpr const char* kAllConditions[] = {"PresetsCombined",
                                          "MainWorkloadReady",
                                          "WorkerWorkloadReady",
                                          "PrefillWorkloadReady",
                                          "PrefillWorkerWorkloadReady",
                                          "ScalingReady",
                                          "PrefillScalingReady",
                                          "WorkloadsReady",
                                          "GatewaysReady",
                                          "HTTPRoutesReady",
                                          "InferencePoolReady",
                                          "SchedulerWorkloadReady",
                                          "TokenizerReady",
                                          "RouterReady",
                                          "Ready"};

bool keeps_model_routing(const Owner& owner, const Observed& observed) {
  const GlobalConfig& global = owner.global;
  if (global.model_header.empty() || global.model_routing_mode == "disabled") return false;
  if (text_at(owner.spec.main.annotations, {kModelRoutingAnnotation}) != "true") return false;
  if (global.model_routing_mode == "forced") return true;
  const auto gateways = gateways_of(owner, observed);
  return std::none_of(gateways.begin(), gateways.end(), [](const Json* gateway) {
    return text_at(*gateway, {"metadata", "annotations", kModelRoutingAnnotation}) == "false";
  });
}

std::int64_t ready_of(const Json& object) {
  return kube::number_at(object, {"status", "readyReplicas"}).value_or(0);
}

Json workload_status(const Owner& owner, const Observed& observed) {
  Json out = Json::object();
  const auto add = [&](const char* as, const char* kind, const char* group,
                       const std::string& name) {
    const Json* object = child_of(observed, kind, name);
    if (object == nullptr) return;
    out[as] = {
        {"apiGroup", group}, {"kind", kind}, {"name", name}, {"readyReplicas", ready_of(*object)}};
  };
  const auto side = [&](const char* as, const Workload& workload, bool prefill) {
    if (workload.multi_node()) {
      add(as, "LeaderWorkerSet", "leaderworkerset.x-k8s.io", workload_name(owner, prefill));
    } else {
      add(as, "Deployment", "apps", workload_name(owner, prefill));
    }
  };
  side("primary", owner.spec.main, false);
  if (owner.spec.prefill) side("prefill", *owner.spec.prefill, true);
  if (owner.spec.managed_scheduler()) {
    add("scheduler", "Deployment", "apps", child_name(owner.name(), "-kserve-router-scheduler"));
  }
  const std::string service = child_name(owner.name(), "-kserve-workload-svc");
  if (child_of(observed, "Service", service) != nullptr) {
    out["service"] = {{"kind", "Service"}, {"name", service}};
  }
  return out;
}

Json group_status(const Owner& owner, const std::vector<Member>& peers) {
  Json members = Json::array();
  members.push_back({{"name", owner.name()},
                     {"weight", kube::number_at(owner.spec.route, {"weight"}).value_or(0)},
                     {"backendRef", group_backend(owner)}});
  for (const Member& peer : peers) {
    Json member = {{"name", peer.name}, {"weight", peer.weight}, {"backendRef", peer.backend}};
    if (peer.stopped) member["stopped"] = true;
    members.push_back(std::move(member));
  }
  std::sort(members.begin(), members.end(), [](const Json& a, const Json& b) {
    return text_at(a, {"name"}) < text_at(b, {"name"});
  });
  return {{"name", owner.spec.route_group()}, {"members", std::move(members)}};
}

Json router_status(const Owner& owner, const Observed& observed, const std::vector<Member>& peers) {
  Json out = Json::object();
  for (const Json* gateway : gateways_of(owner, observed)) {
    const kube::ObjectKey key = kube::key_of(*gateway);
    Json entry = {{"group", "gateway.networking.k8s.io"},
                  {"kind", "Gateway"},
                  {"name", key.name},
                  {"namespace", key.name_space}};
    for (const Json& listener : kube::list_at(*gateway, {"spec", "listeners"})) {
      entry["listeners"].push_back({{"name", text_at(listener, {"name"})}});
    }
    for (const Json* route : routes_of(owner, observed)) {
      entry["httpRoutes"].push_back({{"group", "gateway.networking.k8s.io"},
                                     {"kind", "HTTPRoute"},
                                     {"name", kube::key_of(*route).name},
                                     {"namespace", kube::key_of(*route).name_space}});
    }
    out["gateways"].push_back(std::move(entry));
  }
  const std::string pool = child_name(owner.name(), "-inference-pool");
  if (owner.spec.managed_scheduler() && child_of(observed, "InferencePool", pool) != nullptr) {
    out["scheduler"] = {{"inferencePool",
                         {{"group", "inference.networking.k8s.io"},
                          {"kind", "InferencePool"},
                          {"name", pool},
                          {"namespace", owner.name_space()}}}};
    if (!owner.platform.picker_in_gateway) {
      out["scheduler"]["service"] = {{"kind", "Service"},
                                     {"name", child_name(owner.name(), "-epp-service")},
                                     {"namespace", owner.name_space()}};
    }
  }
  if (!owner.spec.route_group().empty()) out["group"] = group_status(owner, peers);
  return out;
}

class Decider {
 public:
  Decider(const Json& service, const GlobalConfig& global, const Platform& platform,
          const Lookup& lookup, const Observed& observed)
      : service_(service),
        global_(global),
        platform_(platform),
        lookup_(lookup),
        observed_(observed),
        uid_(text_at(service, {"metadata", "uid"})),
        status_(kube::map_at(service, {"status"})),
        conditions_(kube::list_at(service, {"status", "conditions"}), observed.now) {}

  Decision run() {
    if (kube::is_being_deleted(service_)) return on_delete();
    if (!has_finalizer()) {
      Json with = service_;
      with["metadata"]["finalizers"].push_back(kFinalizer);
      decision_.actions.push_back(Update{std::move(with)});
      return std::move(decision_);
    }
    if (is_stopped(service_)) return on_stop();
    reconcile();
    finish_status();
    return std::move(decision_);
  }

 private:
  bool has_finalizer() const {
    const Json& list = kube::list_at(service_, {"metadata", "finalizers"});
    return std::find(list.begin(), list.end(), Json(kFinalizer)) != list.end();
  }

  // What no owner reference takes along.
  void delete_binding() {
    const kube::ObjectKey key = kube::key_of(service_);
    const std::string name = child_name(key.name_space, "-" + key.name + "-epp-auth-rb");
    if (const Json* binding = child_of(observed_, "ClusterRoleBinding", name)) {
      decision_.actions.push_back(
          Delete{target_of(*binding), std::string(text_at(*binding, {"metadata", "uid"}))});
    }
  }

  Decision on_delete() {
    if (!has_finalizer()) return {};
    // Peers must not send here any more before this one goes.
    const std::string backend = child_name(kube::key_of(service_).name, "-inference-pool");
    const std::string plain = child_name(kube::key_of(service_).name, "-kserve-workload-svc");
    for (const Json& child : observed_.children) {
      if (text_at(child, {"kind"}) != "HTTPRoute" || controller_of(child) == uid_) continue;
      for (const Json& rule : kube::list_at(child, {"spec", "rules"})) {
        for (const Json& ref : kube::list_at(rule, {"backendRefs"})) {
          const std::string_view name = text_at(ref, {"name"});
          if (name != backend && name != plain) continue;
          conditions_.set(
              {"GroupReady", "False", "FinalizationPending",
               "HTTPRoute " + kube::key_of(child).name + " still sends to this service"});
          finish_status();
          decision_.look_again(std::chrono::seconds(5));
          return std::move(decision_);
        }
      }
    }
    delete_binding();
    Json without = service_;
    Json& list = without["metadata"]["finalizers"];
    list.erase(std::remove(list.begin(), list.end(), Json(kFinalizer)), list.end());
    decision_.actions.push_back(Update{std::move(without)});
    return std::move(decision_);
  }

  Decision on_stop() {
    ChildrenPlan plan = plan_children(uid_, {}, observed_.children);
    decision_.actions = std::move(plan.actions);
    delete_binding();
    for (const char* type : kAllConditions) {
      if (conditions_.find(type) != nullptr || std::string_view(type) == "Ready") {
        conditions_.set({type, "False", "Stopped", "the service is stopped by its annotation"});
      }
    }
    conditions_.remove("CanaryReady");
    for (const char* field : {"router", "workloads", "addresses", "url"}) status_.erase(field);
    finish_status();
    return std::move(decision_);
  }

  void reconcile() {
    Combined combined = combine(service_, global_, lookup_);
    if (!combined.ok()) {
      conditions_.set({"PresetsCombined", "False", combined.reason, combined.message});
      overall_condition(conditions_);
      return;
    }
    conditions_.set({"PresetsCombined", "True", "", ""});
    const Spec spec = parse_spec(combined.spec);
    const Owner owner{service_, spec, global_, platform_};
    std::vector<Member> peers;
    for (const Json& peer : observed_.peers) {
      auto member = member_of(peer);
      if (!member || kube::key_of(peer) == kube::key_of(service_)) continue;
      if (text_at(peer, {"spec", "router", "route", "group"}) != spec.route_group()) continue;
      peers.push_back(*std::move(member));
    }
    plan(owner, peers);
    const Unseen unseen = has_canary(owner, observed_) ? Unseen::kAsBefore : Unseen::kNotReady;
    workload_conditions_or_error(owner, unseen);
    router_conditions(owner, observed_, conditions_, unseen);
    group_conditions(owner, peers);
    publish_addresses(owner, observed_, status_, conditions_, decision_.asks);
    overall_condition(conditions_);
    fill_status(owner, combined, peers);
  }

  // Workload objects stay as they are when a source is not served; the condition says so.
  void plan(const Owner& owner, const std::vector<Member>& peers) {
    std::vector<Json> wanted;
    Result<std::vector<Json>> workload = workload_objects(owner);
    if (!workload.ok()) {
      workload_error_ = workload.error().message();
      return;
    }
    wanted = *std::move(workload);
    for (Json& object : scaling_objects(owner)) wanted.push_back(std::move(object));
    Result<std::vector<Json>> scheduler = scheduler_objects(owner);
    if (!scheduler.ok()) {
      workload_error_ = scheduler.error().message();
      return;
    }
    for (Json& object : *scheduler) wanted.push_back(std::move(object));
    if (missing_references(owner, observed_).empty()) {
      const Group group{peers, keeps_model_routing(owner, observed_)};
      if (auto route = route_object(owner, group)) wanted.push_back(*std::move(route));
    } else {
      // Nothing of the router is touched while it refers to what is not there.
      for (const Json& child : observed_.children) {
        if (text_at(child, {"kind"}) == "HTTPRoute" && controller_of(child) == uid_) {
          keep_.push_back(target_of(child));
        }
      }
      decision_.look_again(std::chrono::seconds(10));
    }
    try_canary(owner, wanted);
    ChildrenPlan plan = plan_children(uid_, std::move(wanted), observed_.children);
    for (Action& action : plan.actions) {
      const auto* removal = std::get_if<Delete>(&action);
      if (removal != nullptr &&
          std::find(keep_.begin(), keep_.end(), removal->target) != keep_.end()) {
        continue;
      }
      decision_.actions.push_back(std::move(action));
    }
    for (const Target& foreign : plan.foreign) {
      workload_error_ = foreign.kind + " " + foreign.name + " is controlled by somebody else";
    }
    for (const std::string& refusal : observed_.refused) {
      if (is_refusal_of_canary(owner, refusal)) continue;  // its own condition tells it
      workload_error_ += (workload_error_.empty() ? "" : "; ") + refusal;
    }
  }

  void try_canary(const Owner& owner, std::vector<Json>& wanted) {
    CanaryPlan canary = plan_canary(owner, observed_, wanted, status_, conditions_);
    keep_.insert(keep_.end(), canary.keep.begin(), canary.keep.end());
    events_ = std::move(canary.events);
    if (canary.look_again_in) decision_.look_again(*canary.look_again_in);
  }

  void workload_conditions_or_error(const Owner& owner, Unseen unseen) {
    workload_conditions(owner, observed_, conditions_, unseen);
    if (workload_error_.empty()) return;
    const bool multi = owner.spec.main.multi_node();
    const Condition error{
        multi ? "WorkerWorkloadReady" : "MainWorkloadReady", "False",
        multi ? "ReconcileMultiNodeWorkloadError" : "ReconcileSingleNodeWorkloadError",
        workload_error_};
    conditions_.set(error);
    conditions_.set({"WorkloadsReady", "False", error.reason, error.message});
  }

  void group_conditions(const Owner& owner, const std::vector<Member>& peers) {
    if (owner.spec.route_group().empty()) {
      conditions_.remove("GroupReady");
      conditions_.remove("GroupDegraded");
      return;
    }
    const Eligible eligible = eligible_members(owner, peers);
    conditions_.set({"GroupReady", "True", "", ""});
    if (eligible.divergence.empty()) {
      conditions_.remove("GroupDegraded");
    } else {
      conditions_.set({"GroupDegraded", "True", "MemberDivergence",
                       "members that serve other models get no traffic: " + eligible.divergence});
    }
  }

  void fill_status(const Owner& owner, const Combined& combined, const std::vector<Member>& peers) {
    const auto set_or_erase = [&](const char* field, Json value) {
      if (value.empty())
        status_.erase(field);
      else
        status_[field] = std::move(value);
    };
    set_or_erase("workloads", workload_status(owner, observed_));
    set_or_erase("router", router_status(owner, observed_, peers));
    Json applied = Json::array();
    for (const AppliedConfig& config : combined.applied) {
      applied.push_back({{"name", config.name},
                         {"namespace", config.name_space},
                         {"source", config.preset ? "Preset" : "UserRef"}});
    }
    set_or_erase("appliedConfigs", std::move(applied));
    for (const auto& [key, name] : combined.pins) status_["annotations"][key] = name;
  }

  void finish_status() {
    status_["conditions"] = conditions_.list();
    if (const auto generation = kube::number_at(service_, {"metadata", "generation"})) {
      status_["observedGeneration"] = *generation;
    }
    if (status_ == kube::map_at(service_, {"status"})) return;
    Json updated = service_;
    updated["status"] = status_;
    tell_of_readiness();
    for (RecordEvent& event : events_) decision_.actions.push_back(std::move(event));
    decision_.actions.push_back(UpdateStatus{std::move(updated)});
  }

  void tell_of_readiness() {
    const Conditions before(kube::list_at(service_, {"status", "conditions"}), "");
    const std::string now = conditions_.status("Ready");
    if (before.status("Ready") == now || (before.status("Ready").empty() && now != "True")) return;
    const Json* ready = conditions_.find("Ready");
    Target about = target_of(service_);
    if (now == "True") {
      decision_.actions.push_back(RecordEvent{std::move(about), "Normal",
                                              "LLMInferenceServiceReady", "the service is ready"});
    } else {
      decision_.actions.push_back(RecordEvent{std::move(about), "Warning",
                                              "LLMInferenceServiceNotReady",
                                              std::string(text_at(*ready, {"message"}))});
    }
  }

  const Json& service_;
  const GlobalConfig& global_;
  const Platform& platform_;
  const Lookup& lookup_;
  const Observed& observed_;
  const std::string uid_;
  Json status_;
  Conditions conditions_;
  Decision decision_;
  std::string workload_error_;
  std::vector<Target> keep_;
  std::vector<RecordEvent> events_;  // of the status that is written now
};

}  // namespace

bool is_stopped(const Json& service) {
  std::string text(text_at(service, {"metadata", "annotations", kStopAnnotation}));
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text == "true";
}

Decision decide(const Json& service, const GlobalConfig& global, const Platform& platform,
                const Lookup& lookup, const Observed& observed) {
  return Decider(service, global, platform, lookup, observed).run();
}

}  // namespace nacelle::control::kserve
