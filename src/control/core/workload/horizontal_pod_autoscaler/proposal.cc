#include "control/core/workload/horizontal_pod_autoscaler/proposal.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "base/quantity.h"
#include "control/core/workload/horizontal_pod_autoscaler/pod_groups.h"

namespace nacelle::control::workload {
namespace {

using kube::text_at;
using Values = std::map<std::string, Milli>;

std::string text_of(Milli value) {
  const auto quantity = Quantity::parse(std::to_string(value) + "m");
  return quantity.ok() ? quantity->to_string() : "0";
}

std::int64_t rounded_up(double replicas) {
  constexpr double kMost = std::numeric_limits<std::int32_t>::max();
  if (!(replicas > 0)) return 0;
  return static_cast<std::int64_t>(std::ceil(std::min(replicas, kMost)));
}

Milli sum_of(const Values& values) {
  Milli sum = 0;
  for (const auto& [pod, value] : values) sum += value;
  return sum;
}

// The requests of all pods for a resource, of one container or of all.
Result<Values> requests_of(const std::vector<Json>& pods, std::string_view resource,
                           std::string_view container) {
  Values out;
  for (const Json& pod : pods) {
    Milli sum = 0;
    bool found = false;
    const auto add = [&](const Json& each) -> Status {
      const std::string_view name = text_at(each, {"name"});
      if (!container.empty() && name != container) return {};
      const Json* request = kube::find(each, {"resources", "requests", resource});
      const auto amount = request == nullptr ? Result<Quantity>(not_found("no request"))
                                             : Quantity::from_json(*request);
      if (!amount.ok()) {
        return failed_precondition("missing request for {} in container {} of Pod {}", resource,
                                   name, kube::key_of(pod).name);
      }
      found = true;
      sum += amount->milli();
      return {};
    };
    for (const Json& each : kube::list_at(pod, {"spec", "containers"})) RETURN_IF_ERROR(add(each));
    for (const Json& each : kube::list_at(pod, {"spec", "initContainers"})) {
      if (text_at(each, {"restartPolicy"}) == "Always") RETURN_IF_ERROR(add(each));
    }
    if (!found && !container.empty()) {
      return failed_precondition("container {} not present in metrics for pod {}", container,
                                 kube::key_of(pod).name);
    }
    out[kube::key_of(pod).name] = sum;
  }
  return out;
}

// The rule for values of single pods. `ratio_of` is value to target, `at_target` what a pod without
// a value is taken to use when the others use less than that.
Result<std::int64_t> by_pods(const MetricQuestion& question, PodGroups groups,
                             const std::function<double(const Values&)>& ratio_of,
                             const std::function<Milli(const std::string&)>& at_target) {
  if (question.pods.empty()) {
    return failed_precondition("no pods returned by selector while calculating replica count");
  }
  if (groups.of.empty()) {
    return failed_precondition("did not receive metrics for targeted pods (pods might be unready)");
  }
  const std::int64_t now = question.spec_replicas;
  const double ratio = ratio_of(groups.of);
  const bool unready_matter = !groups.unready.empty() && ratio > 1;
  if (!unready_matter && groups.missing.empty()) {
    if (question.tolerance.covers(ratio)) return now;
    return rounded_up(ratio * static_cast<double>(groups.ready));
  }
  if (ratio != 1) {
    for (const std::string& pod : groups.missing) groups.of[pod] = ratio < 1 ? at_target(pod) : 0;
  }
  if (unready_matter) {
    for (const std::string& pod : groups.unready) groups.of[pod] = 0;
  }
  const double next = ratio_of(groups.of);
  const bool turned = (ratio < 1 && next > 1) || (ratio > 1 && next < 1);
  if (question.tolerance.covers(next) || turned) return now;
  const std::int64_t wanted = rounded_up(next * static_cast<double>(groups.of.size()));
  const bool against = (next < 1 && wanted > now) || (next > 1 && wanted < now);
  return against ? now : wanted;
}

Result<Milli> target_of(const Json& target, const char* field) {
  const Json* value = kube::find(target, {field});
  if (value == nullptr) return not_found("no {}", field);
  ASSIGN_OR_RETURN(const Quantity amount, Quantity::from_json(*value));
  if (amount.milli() <= 0) return invalid_argument("{} of a target must be above zero", field);
  return amount.milli();
}

Result<MetricProposal> by_utilization(const MetricQuestion& question, const PodGroups& groups,
                                      std::string_view resource, std::string_view container,
                                      std::int64_t target) {
  if (target <= 0) return invalid_argument("averageUtilization must be above zero");
  ASSIGN_OR_RETURN(const Values requests, requests_of(question.pods, resource, container));
  std::int64_t seen = 0;
  const auto ratio_of = [&](const Values& values) {
    Milli used = 0;
    Milli asked = 0;
    for (const auto& [pod, value] : values) {
      used += value;
      asked += requests.at(pod);
    }
    seen = asked == 0 ? 0 : used * 100 / asked;
    return static_cast<double>(seen) / static_cast<double>(target);
  };
  const auto at_target = [&](const std::string& pod) {
    return requests.at(pod) * std::max<std::int64_t>(100, target) / 100;
  };
  MetricProposal out;
  ASSIGN_OR_RETURN(out.replicas, by_pods(question, groups, ratio_of, at_target));
  (void)ratio_of(groups.of);
  out.current = {
      {"averageUtilization", seen},
      {"averageValue", text_of(sum_of(groups.of) / static_cast<std::int64_t>(groups.of.size()))}};
  return out;
}

Result<MetricProposal> by_average(const MetricQuestion& question, const PodGroups& groups,
                                  Milli target) {
  const auto average = [](const Values& values) {
    return sum_of(values) / static_cast<std::int64_t>(values.size());
  };
  MetricProposal out;
  ASSIGN_OR_RETURN(out.replicas, by_pods(
                                     question, groups,
                                     [&](const Values& values) {
                                       return static_cast<double>(average(values)) /
                                              static_cast<double>(target);
                                     },
                                     [&](const std::string&) { return target; }));
  out.current = {{"averageValue", text_of(average(groups.of))}};
  return out;
}

// Of one number for all pods.
Result<MetricProposal> by_total(const MetricQuestion& question, const Json& target) {
  MetricProposal out;
  const Milli value = question.reading.value;
  if (const auto total = target_of(target, "value"); total.ok()) {
    const double ratio = static_cast<double>(value) / static_cast<double>(*total);
    out.replicas = question.spec_replicas;
    if (question.spec_replicas == 0) {
      out.replicas = rounded_up(ratio);
    } else if (!question.tolerance.covers(ratio)) {
      out.replicas = rounded_up(ratio * static_cast<double>(ready_pods(question.pods)));
    }
    out.current = {{"value", text_of(value)}};
    return out;
  }
  const auto each = target_of(target, "averageValue");
  if (!each.ok()) {
    return invalid_argument("the target of a metric must set value or averageValue above zero");
  }
  const auto pods = static_cast<double>(question.status_replicas);
  const double ratio = static_cast<double>(value) / (static_cast<double>(*each) * pods);
  out.replicas = question.status_replicas;
  if (question.status_replicas == 0 || !question.tolerance.covers(ratio)) {
    out.replicas = rounded_up(static_cast<double>(value) / static_cast<double>(*each));
  }
  const std::int64_t divisor = std::max<std::int64_t>(1, question.status_replicas);
  out.current = {{"averageValue", text_of((value + divisor - 1) / divisor)}};
  return out;
}

Result<MetricProposal> by_resource(const MetricQuestion& question, const Json& source,
                                   std::string_view container) {
  const std::string resource(text_at(source, {"name"}));
  const PodGroups groups =
      group_pods(question.pods, question.reading, resource == "cpu", question.now);
  const Json& target = kube::map_at(source, {"target"});
  const std::string what = resource + (container.empty() ? "" : " container") + " resource";
  if (const auto percent = kube::number_at(target, {"averageUtilization"})) {
    ASSIGN_OR_RETURN(auto out, by_utilization(question, groups, resource, container, *percent));
    out.name = what + " utilization (percentage of request)";
    return out;
  }
  const auto average = target_of(target, "averageValue");
  if (!average.ok()) {
    return invalid_argument(
        "the target of a resource must set averageUtilization or averageValue above zero");
  }
  ASSIGN_OR_RETURN(auto out, by_average(question, groups, *average));
  out.name = what;
  return out;
}

Result<MetricProposal> by_pods_metric(const MetricQuestion& question, const Json& source) {
  const auto target = target_of(kube::map_at(source, {"target"}), "averageValue");
  if (!target.ok()) return invalid_argument("the target of a pods metric must set averageValue");
  const PodGroups groups = group_pods(question.pods, question.reading, false, question.now);
  ASSIGN_OR_RETURN(auto out, by_average(question, groups, *target));
  out.name = "pods metric " + std::string(text_at(source, {"metric", "name"}));
  return out;
}

}  // namespace

Result<MetricProposal> propose(const MetricQuestion& question) {
  if (!question.reading.error.empty()) return unavailable("{}", question.reading.error);
  const std::string_view type = text_at(question.metric, {"type"});
  Result<MetricProposal> out = invalid_argument("unknown metric source type \"{}\"", type);
  Json status = {{"type", type}};
  std::string field;
  if (type == "Resource") {
    field = "resource";
    const Json& source = kube::map_at(question.metric, {"resource"});
    out = by_resource(question, source, "");
    status[field] = {{"name", text_at(source, {"name"})}};
  } else if (type == "ContainerResource") {
    field = "containerResource";
    const Json& source = kube::map_at(question.metric, {"containerResource"});
    const std::string_view container = text_at(source, {"container"});
    out = by_resource(question, source, container);
    status[field] = {{"name", text_at(source, {"name"})}, {"container", container}};
  } else if (type == "Pods") {
    field = "pods";
    const Json& source = kube::map_at(question.metric, {"pods"});
    out = by_pods_metric(question, source);
    status[field] = {{"metric", kube::map_at(source, {"metric"})}};
  } else if (type == "Object" || type == "External") {
    field = type == "Object" ? "object" : "external";
    const Json& source = kube::map_at(question.metric, {field});
    out = by_total(question, kube::map_at(source, {"target"}));
    status[field] = {{"metric", kube::map_at(source, {"metric"})}};
    if (type == "Object") status[field]["describedObject"] = source["describedObject"];
    const std::string name(text_at(source, {"metric", "name"}));
    if (out.ok()) out->name = type == "Object" ? name + " metric" : "external metric " + name;
  }
  if (!out.ok()) return out;
  status[field]["current"] = std::move(out->current);
  out->current = std::move(status);
  return out;
}

}  // namespace nacelle::control::workload
