#include "control/core/workload/horizontal_pod_autoscaler/autoscaler.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/quantity.h"
#include "control/core/workload/horizontal_pod_autoscaler/proposal.h"
#include "control/core/workload/horizontal_pod_autoscaler/scaling_rules.h"
#include "kube/conditions.h"
#include "kube/time.h"

namespace nacelle::control::workload {
namespace {

using kube::number_at;
using kube::text_at;

double tolerance_of(const Json& behavior, const char* direction) {
  constexpr double kDefault = 0.1;
  const Json* value = kube::find(behavior, {direction, "tolerance"});
  if (value == nullptr) return kDefault;
  const auto amount = Quantity::from_json(*value);
  return amount.ok() ? static_cast<double>(amount->milli()) / 1000 : kDefault;
}

std::string failure_reason(const Json& metric) {
  const std::string type(text_at(metric, {"type"}));
  if (type == "Pods") return "FailedGetPodsMetric";
  for (const char* known : {"Resource", "ContainerResource", "Object", "External"}) {
    if (type == known) return "FailedGet" + type + "Metric";
  }
  return "InvalidMetricSourceType";
}

class AutoscalerDecider {
 public:
  AutoscalerDecider(const AutoscalerObserved& observed, ScaleMemory& memory)
      : observed_(observed),
        object_(observed.autoscaler),
        behavior_(kube::map_at(object_, {"spec", "behavior"})),
        memory_(memory),
        conditions_(kube::list_at(object_, {"status", "conditions"}),
                    kube::timestamp(observed.now)),
        least_(std::max<std::int64_t>(0, number_at(object_, {"spec", "minReplicas"}).value_or(1))),
        most_(std::max(least_, number_at(object_, {"spec", "maxReplicas"}).value_or(1))) {}

  AutoscalerDecision run() {
    if (kube::is_being_deleted(object_)) return {};
    out_.decision.look_again(kAutoscalePeriod);
    if (!observed_.scale.is_object()) {
      fail("AbleToScale", "FailedGetScale",
           "the HPA controller was unable to get the target's current scale: " +
               observed_.scale_error);
      write_status(std::nullopt, std::nullopt);
      return std::move(out_);
    }
    current_ =
        std::max<std::int64_t>(0, number_at(observed_.scale, {"spec", "replicas"}).value_or(0));
    conditions_.set({"AbleToScale", "True", "SucceededGetScale",
                     "the HPA controller was able to get the target's current scale"});
    if (memory_.recommendations.empty()) {
      memory_.recommendations.push_back({observed_.now, current_});
    }
    decide();
    return std::move(out_);
  }

 private:
  void decide() {
    const std::int64_t seen =
        std::max<std::int64_t>(0, number_at(observed_.scale, {"status", "replicas"}).value_or(0));
    std::int64_t wanted = current_;
    std::string why;
    if (current_ == 0 && least_ != 0) {
      conditions_.set({"ScalingActive", "False", "ScalingDisabled",
                       "scaling is disabled since the replica count of the target is zero"});
    } else if (current_ > most_) {
      wanted = most_;
      why = "Current number of replicas above Spec.MaxReplicas";
    } else if (current_ < least_) {
      wanted = least_;
      why = "Current number of replicas below Spec.MinReplicas";
    } else if (const auto asked = ask_metrics(seen); asked) {
      why = asked->replicas > current_ ? asked->name + " above target" : "All metrics below target";
      wanted = apply_rules(asked->replicas);
    } else {
      write_status(seen, seen);
      return;
    }
    if (wanted != current_) {
      out_.replicas = wanted;
      remember_scale(memory_, current_, wanted, observed_.now);
      conditions_.set(
          {"AbleToScale", "True", "SucceededRescale",
           fmt::format("the HPA controller was able to update the target scale to {}", wanted)});
      tell("Normal", "SuccessfulRescale", fmt::format("New size: {}; reason: {}", wanted, why));
      scaled_ = true;
    }
    write_status(seen, wanted);
  }

  // The metric that asks for most. Nothing, with a condition, when too few could be read: then
  // nothing may be taken away.
  std::optional<MetricProposal> ask_metrics(std::int64_t seen) {
    const Json& metrics = kube::list_at(object_, {"spec", "metrics"});
    std::optional<MetricProposal> best;
    std::size_t failed = 0;
    std::string first_reason;
    std::string first_message;
    const Tolerance tolerance{tolerance_of(behavior_, "scaleUp"),
                              tolerance_of(behavior_, "scaleDown")};
    static const MetricReading kUnread{.error = "no reading", .pods = {}, .value = 0};
    for (std::size_t i = 0; i < metrics.size(); ++i) {
      const MetricReading& reading = i < observed_.metrics.size() ? observed_.metrics[i] : kUnread;
      auto proposal =
          propose({metrics[i], reading, observed_.pods, current_, seen, tolerance, observed_.now});
      if (!proposal.ok()) {
        if (failed++ == 0) {
          first_reason = failure_reason(metrics[i]);
          first_message = proposal.error().message();
        }
        continue;
      }
      current_metrics_.push_back(proposal->current);
      if (!best || proposal->replicas > best->replicas) best = std::move(*proposal);
    }
    if (!best || (failed > 0 && best->replicas < current_)) {
      fail("ScalingActive", first_reason.empty() ? "InvalidMetricSourceType" : first_reason,
           "the HPA was unable to compute the replica count: " +
               (first_message.empty() ? "spec.metrics is empty" : first_message));
      return std::nullopt;
    }
    conditions_.set(
        {"ScalingActive", "True", "ValidMetricFound",
         "the HPA was able to successfully calculate a replica count from " + best->name});
    return best;
  }

  std::int64_t apply_rules(std::int64_t asked) {
    const Json* behavior = kube::find(object_, {"spec", "behavior"});
    const Ruled ruled = rule(behavior == nullptr ? Json() : *behavior, asked,
                             {current_, least_, most_}, observed_.now, memory_);
    conditions_.set({"AbleToScale", "True", ruled.stable_reason, ruled.stable_message});
    conditions_.set({"ScalingLimited", ruled.limited ? "True" : "False", ruled.limit_reason,
                     ruled.limit_message});
    return ruled.replicas;
  }

  // Told once, when it begins or changes: not at every look.
  void fail(const char* condition, const std::string& reason, const std::string& message) {
    const Json* before = conditions_.find(condition);
    const bool known = before != nullptr && text_at(*before, {"status"}) == "False" &&
                       text_at(*before, {"reason"}) == reason &&
                       text_at(*before, {"message"}) == message;
    conditions_.set({condition, "False", reason, message});
    if (!known) tell("Warning", reason, message);
  }

  void tell(const char* type, const std::string& reason, const std::string& message) {
    out_.decision.actions.push_back(RecordEvent{target_of(object_), type, reason, message});
  }

  void write_status(std::optional<std::int64_t> seen, std::optional<std::int64_t> wanted) {
    Json status = kube::map_at(object_, {"status"});
    if (seen) status["currentReplicas"] = *seen;
    if (wanted) status["desiredReplicas"] = *wanted;
    if (seen) status["currentMetrics"] = current_metrics_;
    if (const auto generation = number_at(object_, {"metadata", "generation"})) {
      status["observedGeneration"] = *generation;
    }
    if (scaled_) status["lastScaleTime"] = kube::timestamp(observed_.now);
    status["conditions"] = conditions_.list();
    if (status == kube::map_at(object_, {"status"})) return;
    Json updated = object_;
    updated["status"] = std::move(status);
    out_.decision.actions.push_back(UpdateStatus{std::move(updated)});
  }

  const AutoscalerObserved& observed_;
  const Json& object_;
  const Json& behavior_;
  ScaleMemory& memory_;
  kube::Conditions conditions_;
  const std::int64_t least_, most_;
  std::int64_t current_ = 0;
  bool scaled_ = false;
  Json current_metrics_;  // null when there are none, as Kubernetes has it
  AutoscalerDecision out_;
};

}  // namespace

AutoscalerDecision decide_autoscaler(const AutoscalerObserved& observed, ScaleMemory& memory) {
  return AutoscalerDecider(observed, memory).run();
}

}  // namespace nacelle::control::workload
