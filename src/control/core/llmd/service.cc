#include "control/core/llmd/service.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "control/core/children.h"
#include "control/core/kserve/addresses.h"
#include "control/core/kserve/canary.h"
#include "control/core/kserve/canary_objects.h"
#include "control/core/kserve/readiness.h"
#include "control/core/llmd/engine_args.h"
#include "control/core/llmd/service_form.h"
#include "kube/pod.h"
#include "kube/time.h"

namespace nacelle::control::llmd {
namespace {

using kube::Conditions;
using kube::number_at;
using kube::text_at;

constexpr std::string_view kNoShare =
    "its LLMInferencePool has no share for a second set of replicas";

class ServiceDecider {
 public:
  ServiceDecider(const Json& service, const kserve::GlobalConfig& global,
                 const kserve::Platform& platform, const kserve::Lookup& lookup,
                 const ServiceObserved& observed, AutoscalerState& state)
      : service_(service),
        global_(global),
        platform_(platform),
        lookup_(lookup),
        observed_(observed),
        scaler_(state),
        uid_(text_at(service, {"metadata", "uid"})),
        status_(kube::map_at(service, {"status"})),
        conditions_(kube::list_at(service, {"status", "conditions"}), observed.objects.now) {}

  Decision run() {
    if (kube::is_being_deleted(service_)) return on_delete();
    if (!has_finalizer()) {
      Json with = service_;
      with["metadata"]["finalizers"].push_back(kFinalizer);
      decision_.actions.push_back(Update{std::move(with)});
      return std::move(decision_);
    }
    const std::int64_t wanted = wanted_replicas();
    reconcile(wanted, validate_memory());
    finish_status(wanted);
    return std::move(decision_);
  }

 private:
  bool has_finalizer() const {
    const Json& list = kube::list_at(service_, {"metadata", "finalizers"});
    return std::find(list.begin(), list.end(), Json(kFinalizer)) != list.end();
  }

  // The binding of the cluster has no owner that would take it along.
  Decision on_delete() {
    if (!has_finalizer()) return {};
    for (const Json& child : observed_.objects.children) {
      if (text_at(child, {"kind"}) != "ClusterRoleBinding") continue;
      decision_.actions.push_back(
          Delete{target_of(child), std::string(text_at(child, {"metadata", "uid"}))});
    }
    Json without = service_;
    Json& list = without["metadata"]["finalizers"];
    list.erase(std::remove(list.begin(), list.end(), Json(kFinalizer)), list.end());
    decision_.actions.push_back(Update{std::move(without)});
    return std::move(decision_);
  }

  // What the load asks for, within what the pool allots.
  std::int64_t wanted_replicas() {
    const std::int64_t written = number_at(service_, {"spec", "replicas"}).value_or(1);
    Review ignored;
    AutoscalingSpec spec = parse_autoscaling(kube::map_at(service_, {"spec"}), ignored);
    spec.pace = parse_pace(service_, ignored);
    std::int64_t demand = written;
    if (spec.enabled) {
      demand = std::clamp(number_at(service_, {"status", "demand"}).value_or(written),
                          spec.min_replicas, spec.max_replicas);
      if (observed_.load) {
        demand = scaled(spec, demand);
      } else {
        conditions_.set({"ScalingActive", "False", "NoMetrics", "nothing is measured yet"});
        conditions_.remove("QueueAboveTarget");
      }
      if (spec.queue_target) {
        conditions_.set({"AutoscalingConfigured", "True", "Configured", ""});
      } else {
        conditions_.set({"AutoscalingConfigured", "True", "NoScaleUpSignal",
                         "without a RequestQueue metric nothing scales up"});
      }
    } else {
      for (const char* type :
           {"ScalingActive", "AutoscalingConfigured", "CapacityLimited", "QueueAboveTarget"}) {
        conditions_.remove(type);
      }
    }
    demand_ = demand;
    return observed_.allowed ? std::min(demand, *observed_.allowed) : demand;
  }

  // Seconds; a service is not idle for longer than it is there.
  [[nodiscard]] std::int64_t age() const {
    const auto made = kube::parse_timestamp(text_at(service_, {"metadata", "creationTimestamp"}));
    return made ? std::max<std::int64_t>(0, observed_.now_s - *made)
                : std::numeric_limits<std::int64_t>::max();
  }

  std::int64_t scaled(const AutoscalingSpec& spec, std::int64_t demand) {
    LoadSample sample = *observed_.load;
    sample.now = observed_.now_s;
    sample.idle_for = std::min(sample.idle_for, age());
    std::int64_t ready = 0;
    for (const Json& pod : observed_.objects.pods) {
      if (text_at(pod, {"metadata", "labels", "kserve.io/component"}) != "workload") continue;
      if (!kube::is_being_deleted(pod) && kube::is_ready(pod)) ++ready;
    }
    // One that is asked for is pending before its pod is there; one that is to go, or that a
    // rollout has beside, does not count: or it would be asked for again.
    sample.ready = std::min(ready, demand);
    sample.pending = demand - sample.ready;
    sample.unschedulable_for = unschedulable_for();
    const auto limit = max_sequences(kube::list_at(service_, {"spec", "engine", "args"}));
    if (limit) sample.max_running = *limit;
    const ScaleDecision scaling = scale(spec, sample, scaler_);
    conditions_.set({"ScalingActive", scaling.active ? "True" : "False", scaling.reason, ""});
    // What makes pressure in a pool, and since when.
    if (spec.queue_target) {
      conditions_.set({"QueueAboveTarget", scaling.queue_above_target ? "True" : "False",
                       scaling.queue_above_target ? "TooManyQueued" : "WithinTarget", ""});
    } else {
      conditions_.remove("QueueAboveTarget");
    }
    if (scaling.capacity_limited) {
      conditions_.set({"CapacityLimited", "True", "Unschedulable",
                       "a replica finds no node: no more are asked for"});
    } else {
      conditions_.remove("CapacityLimited");
    }
    return scaling.active ? std::clamp(scaling.desired, spec.min_replicas, spec.max_replicas)
                          : demand;
  }

  // Seconds that a replica has waited for a node.
  [[nodiscard]] std::int64_t unschedulable_for() const {
    std::int64_t out = 0;
    for (const Json& pod : observed_.objects.pods) {
      if (text_at(pod, {"metadata", "labels", "kserve.io/component"}) != "workload") continue;
      if (kube::is_being_deleted(pod)) continue;
      for (const Json& condition : kube::list_at(pod, {"status", "conditions"})) {
        if (text_at(condition, {"type"}) != "PodScheduled" ||
            text_at(condition, {"reason"}) != "Unschedulable") {
          continue;
        }
        const auto since = kube::parse_timestamp(text_at(condition, {"lastTransitionTime"}));
        if (since) out = std::max(out, observed_.now_s - *since);
      }
    }
    return out;
  }

  // False when a replica would find no room on any device.
  bool validate_memory() {
    if (!uses_devices(service_)) {
      conditions_.remove(kVramValidated);
      return true;
    }
    kube::Condition verdict = fits_alone(need_of(service_, observed_.model), observed_.devices);
    const bool fits = verdict.status != "False";
    if (fits && !observed_.pool_refusal.empty()) {
      verdict = {kVramValidated, "False", kInsufficient, observed_.pool_refusal};
    }
    if (verdict.status == "False" && conditions_.status(kVramValidated) != "False") {
      decision_.actions.push_back(
          RecordEvent{target_of(service_), "Warning", kInsufficient, verdict.message});
    }
    conditions_.set(verdict);
    return fits;
  }

  void reconcile(std::int64_t replicas, bool fits) {
    const Json form = kserve_form(service_, replicas);
    const kserve::Combined combined = kserve::combine(form, global_, lookup_);
    for (const auto& [key, name] : combined.pins) status_["annotations"][key] = name;
    if (!combined.ok()) {
      conditions_.set({"PresetsCombined", "False", combined.reason, combined.message});
      kserve::overall_condition(conditions_);
      return;
    }
    conditions_.set({"PresetsCombined", "True", "", ""});
    const kserve::Spec spec = kserve::parse_spec(combined.spec);
    const kserve::Owner owner{form, spec, global_, platform_};
    const std::string error = fits || replicas == 0 ? plan(owner) : "";
    // A canary changes Deployment and route, and each form of them serves.
    const kserve::Unseen unseen = kserve::has_canary(owner, observed_.objects)
                                      ? kserve::Unseen::kAsBefore
                                      : kserve::Unseen::kNotReady;
    kserve::workload_conditions(owner, observed_.objects, conditions_, unseen);
    if (!error.empty()) {
      for (const char* type : {"MainWorkloadReady", "WorkloadsReady"}) {
        conditions_.set({type, "False", "ReconcileSingleNodeWorkloadError", error});
      }
    }
    kserve::router_conditions(owner, observed_.objects, conditions_, unseen);
    kserve::publish_addresses(owner, observed_.objects, status_, conditions_, decision_.asks);
    if (fits) {
      kserve::overall_condition(conditions_);
    } else {
      conditions_.set({"Ready", "False", kInsufficient,
                       std::string(text_at(*conditions_.find(kVramValidated), {"message"}))});
    }
    count_replicas(owner);
  }

  // What cannot be made; "" when all can.
  std::string plan(const kserve::Owner& owner) {
    std::vector<Json> wanted;
    for (auto make : {kserve::workload_objects, kserve::scheduler_objects}) {
      Result<std::vector<Json>> objects = make(owner);
      if (!objects.ok()) return objects.error().message();
      for (Json& object : *objects) wanted.push_back(std::move(object));
    }
    const kserve::Group alone{{}, true};
    if (auto route = kserve::route_object(owner, alone)) wanted.push_back(*std::move(route));
    kserve::CanaryPlan canary =
        kserve::plan_canary(owner, observed_.objects, wanted, status_, conditions_,
                            observed_.allowed ? kNoShare : std::string_view());
    events_ = std::move(canary.events);
    if (canary.look_again_in) decision_.look_again(*canary.look_again_in);
    ChildrenPlan plan = plan_children(uid_, std::move(wanted), observed_.objects.children);
    for (Action& action : plan.actions) {
      const auto* removal = std::get_if<Delete>(&action);
      const bool kept = removal != nullptr && std::find(canary.keep.begin(), canary.keep.end(),
                                                        removal->target) != canary.keep.end();
      if (!kept) decision_.actions.push_back(std::move(action));
    }
    std::string error;
    for (const Target& foreign : plan.foreign) {
      error = foreign.kind + " " + foreign.name + " is controlled by somebody else";
    }
    for (const std::string& refusal : observed_.objects.refused) {
      if (kserve::is_refusal_of_canary(owner, refusal)) continue;  // its own condition tells it
      error += (error.empty() ? "" : "; ") + refusal;
    }
    return error;
  }

  void count_replicas(const kserve::Owner& owner) {
    const Json* workload =
        kserve::child_of(observed_.objects, "Deployment", kserve::workload_name(owner, false));
    for (const char* count : {"replicas", "readyReplicas"}) {
      status_[count] =
          workload == nullptr ? 0 : number_at(*workload, {"status", count}).value_or(0);
    }
  }

  void finish_status(std::int64_t wanted) {
    status_["desiredReplicas"] = wanted;
    status_["demand"] = demand_;
    status_["conditions"] = conditions_.list();
    if (const auto generation = number_at(service_, {"metadata", "generation"})) {
      status_["observedGeneration"] = *generation;
    }
    if (status_ == kube::map_at(service_, {"status"})) return;
    Json updated = service_;
    updated["status"] = status_;
    for (RecordEvent& event : events_) decision_.actions.push_back(std::move(event));
    decision_.actions.push_back(UpdateStatus{std::move(updated)});
  }

  const Json& service_;
  const kserve::GlobalConfig& global_;
  const kserve::Platform& platform_;
  const kserve::Lookup& lookup_;
  const ServiceObserved& observed_;
  AutoscalerState& scaler_;
  const std::string uid_;
  Json status_;
  Conditions conditions_;
  std::int64_t demand_ = 0;
  std::vector<RecordEvent> events_;  // of the status that is written now
  Decision decision_;
};

}  // namespace

Decision decide_service(const Json& service, const kserve::GlobalConfig& global,
                        const kserve::Platform& platform, const kserve::Lookup& lookup,
                        const ServiceObserved& observed, AutoscalerState& state) {
  return ServiceDecider(service, global, platform, lookup, observed, state).run();
}

}  // namespace nacelle::control::llmd
