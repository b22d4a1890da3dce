// cells_workload.cc: rows of pods and of what makes them.
#include <algorithm>

#include <fmt/format.h>

#include "kube/schema/cells.h"
#include "kube/time.h"

namespace nacelle::kube::schema {
namespace {

std::string text(const Json& object, Path path) { return std::string(text_at(object, path)); }

std::int64_t number(const Json& object, Path path) { return number_at(object, path).value_or(0); }

// The reason of a waiting or ended container; "" while it runs.
std::string state_reason(const Json& status) {
  if (const std::string reason = text(status, {"state", "waiting", "reason"}); !reason.empty()) {
    return reason;
  }
  const Json* ended = kube::find(status, {"state", "terminated"});
  if (ended == nullptr) return {};
  if (const std::string reason = text(*ended, {"reason"}); !reason.empty()) return reason;
  if (const auto signal = number(*ended, {"signal"}); signal != 0) {
    return fmt::format("Signal:{}", signal);
  }
  return fmt::format("ExitCode:{}", number(*ended, {"exitCode"}));
}

bool is_sidecar(const Json& pod, std::string_view name) {
  for (const Json& container : list_at(pod, {"spec", "initContainers"})) {
    if (text_at(container, {"name"}) == name) {
      return text_at(container, {"restartPolicy"}) == "Always";
    }
  }
  return false;
}

// "" when every init container is done.
std::string init_reason(const Json& pod) {
  const Json& statuses = list_at(pod, {"status", "initContainerStatuses"});
  for (std::size_t i = 0; i < statuses.size(); ++i) {
    const Json& status = statuses[i];
    const Json* ended = kube::find(status, {"state", "terminated"});
    if (ended != nullptr && number(*ended, {"exitCode"}) == 0) continue;
    if (bool_at(status, {"started"}) && is_sidecar(pod, text_at(status, {"name"}))) continue;
    if (ended != nullptr) return "Init:" + state_reason(status);
    const std::string waiting = text(status, {"state", "waiting", "reason"});
    if (!waiting.empty() && waiting != "PodInitializing") return "Init:" + waiting;
    return fmt::format("Init:{}/{}", i, list_at(pod, {"spec", "initContainers"}).size());
  }
  return {};
}

const Json* condition(const Json& object, std::string_view type) {
  for (const Json& one : list_at(object, {"status", "conditions"})) {
    if (text_at(one, {"type"}) == type) return &one;
  }
  return nullptr;
}

bool is_true(const Json& object, std::string_view type) {
  const Json* found = condition(object, type);
  return found != nullptr && text_at(*found, {"status"}) == "True";
}

std::string pod_status(const Json& pod) {
  std::string reason = text(pod, {"status", "reason"});
  if (reason.empty()) reason = text(pod, {"status", "phase"});
  const Json* scheduled = condition(pod, "PodScheduled");
  if (scheduled != nullptr && text_at(*scheduled, {"reason"}) == "SchedulingGated") {
    reason = "SchedulingGated";
  }
  if (std::string init = init_reason(pod); !init.empty()) {
    reason = std::move(init);
  } else {
    bool running = false;
    std::string failed;
    const Json& statuses = list_at(pod, {"status", "containerStatuses"});
    for (auto status = statuses.rbegin(); status != statuses.rend(); ++status) {
      std::string found = state_reason(*status);
      if (!found.empty()) {
        reason = found;
        if (found != "Completed") failed = found;
      } else if (bool_at(*status, {"ready"}) &&
                 kube::find(*status, {"state", "running"}) != nullptr) {
        running = true;
      }
    }
    if (reason == "Completed" && running) {
      reason = is_true(pod, "Ready") ? "Running" : failed.empty() ? "NotReady" : failed;
    }
  }
  const std::string_view phase = text_at(pod, {"status", "phase"});
  if (is_being_deleted(pod) && phase != "Succeeded" && phase != "Failed") {
    return text_at(pod, {"status", "reason"}) == "NodeLost" ? "Unknown" : "Terminating";
  }
  return reason;
}

std::string pod_restarts(const Json& pod, std::int64_t now_s) {
  std::int64_t count = 0;
  std::optional<std::int64_t> last;
  for (const Json& status : list_at(pod, {"status", "containerStatuses"})) {
    count += number(status, {"restartCount"});
    const auto at = parse_timestamp(text_at(status, {"lastState", "terminated", "finishedAt"}));
    if (at.has_value()) last = std::max(last.value_or(*at), *at);
  }
  if (count == 0 || !last.has_value()) return std::to_string(count);
  return fmt::format("{} ({} ago)", count, short_duration(now_s - *last));
}

const Json& template_spec(const Json& object) {
  return map_at(object, {"spec", "template", "spec"});
}

}  // namespace

Json pod_cells(const Json& pod, std::int64_t now_s) {
  std::size_t total = list_at(pod, {"spec", "containers"}).size();
  std::size_t ready = 0;
  for (const Json& one : list_at(pod, {"spec", "initContainers"})) {
    total += text_at(one, {"restartPolicy"}) == "Always" ? 1 : 0;
  }
  for (const Json& one : list_at(pod, {"status", "containerStatuses"})) {
    ready += bool_at(one, {"ready"}) ? 1 : 0;
  }
  for (const Json& one : list_at(pod, {"status", "initContainerStatuses"})) {
    ready += bool_at(one, {"ready"}) && is_sidecar(pod, text_at(one, {"name"})) ? 1 : 0;
  }
  std::string gates = "<none>";
  const Json& wanted = list_at(pod, {"spec", "readinessGates"});
  if (!wanted.empty()) {
    std::size_t met = 0;
    for (const Json& gate : wanted) met += is_true(pod, text_at(gate, {"conditionType"})) ? 1 : 0;
    gates = fmt::format("{}/{}", met, wanted.size());
  }
  return Json::array({text(pod, {"metadata", "name"}), fmt::format("{}/{}", ready, total),
                      pod_status(pod), pod_restarts(pod, now_s), object_age(pod, now_s),
                      or_none(text(pod, {"status", "podIP"})),
                      or_none(text(pod, {"spec", "nodeName"})),
                      or_none(text(pod, {"status", "nominatedNodeName"})), gates});
}

Json deployment_cells(const Json& object, std::int64_t now_s) {
  return Json::array({text(object, {"metadata", "name"}),
                      fmt::format("{}/{}", number(object, {"status", "readyReplicas"}),
                                  number(object, {"spec", "replicas"})),
                      std::to_string(number(object, {"status", "updatedReplicas"})),
                      std::to_string(number(object, {"status", "availableReplicas"})),
                      object_age(object, now_s), container_names(template_spec(object)),
                      container_images(template_spec(object)),
                      selector_text(map_at(object, {"spec", "selector"}))});
}

Json replica_set_cells(const Json& object, std::int64_t now_s) {
  return Json::array({text(object, {"metadata", "name"}), number(object, {"spec", "replicas"}),
                      number(object, {"status", "replicas"}),
                      number(object, {"status", "readyReplicas"}), object_age(object, now_s),
                      container_names(template_spec(object)),
                      container_images(template_spec(object)),
                      selector_text(map_at(object, {"spec", "selector"}))});
}

Json stateful_set_cells(const Json& object, std::int64_t now_s) {
  return Json::array({text(object, {"metadata", "name"}),
                      fmt::format("{}/{}", number(object, {"status", "readyReplicas"}),
                                  number(object, {"spec", "replicas"})),
                      object_age(object, now_s), container_names(template_spec(object)),
                      container_images(template_spec(object))});
}

Json daemon_set_cells(const Json& object, std::int64_t now_s) {
  return Json::array(
      {text(object, {"metadata", "name"}), number(object, {"status", "desiredNumberScheduled"}),
       number(object, {"status", "currentNumberScheduled"}),
       number(object, {"status", "numberReady"}),
       number(object, {"status", "updatedNumberScheduled"}),
       number(object, {"status", "numberAvailable"}),
       selector_text(map_at(template_spec(object), {"nodeSelector"})), object_age(object, now_s),
       container_names(template_spec(object)), container_images(template_spec(object)),
       selector_text(map_at(object, {"spec", "selector"}))});
}

Json job_cells(const Json& object, std::int64_t now_s) {
  std::string status = "Running";
  if (is_true(object, "SuccessCriteriaMet")) status = "SuccessCriteriaMet";
  if (is_true(object, "FailureTarget")) status = "FailureTarget";
  if (is_true(object, "Suspended")) status = "Suspended";
  if (is_being_deleted(object)) status = "Terminating";
  if (is_true(object, "Failed")) status = "Failed";
  if (is_true(object, "Complete")) status = "Complete";
  const auto succeeded = number(object, {"status", "succeeded"});
  const auto parallel = number_at(object, {"spec", "parallelism"}).value_or(1);
  std::string completions;
  if (const auto wanted = number_at(object, {"spec", "completions"})) {
    completions = fmt::format("{}/{}", succeeded, *wanted);
  } else if (parallel > 1) {
    completions = fmt::format("{}/1 of {}", succeeded, parallel);
  } else {
    completions = fmt::format("{}/1", succeeded);
  }
  std::string duration;
  if (const auto begin = parse_timestamp(text_at(object, {"status", "startTime"}))) {
    const auto end = parse_timestamp(text_at(object, {"status", "completionTime"}));
    duration = short_duration(end.value_or(now_s) - *begin);
  }
  return Json::array({text(object, {"metadata", "name"}), status, completions, duration,
                      object_age(object, now_s), container_names(template_spec(object)),
                      container_images(template_spec(object)),
                      selector_text(map_at(object, {"spec", "selector"}))});
}

Json cron_job_cells(const Json& object, std::int64_t now_s) {
  const std::string last = text(object, {"status", "lastScheduleTime"});
  const Json& pod = map_at(object, {"spec", "jobTemplate", "spec", "template", "spec"});
  return Json::array(
      {text(object, {"metadata", "name"}), text(object, {"spec", "schedule"}),
       or_none(text(object, {"spec", "timeZone"})), bool_at(object, {"spec", "suspend"}),
       list_at(object, {"status", "active"}).size(), last.empty() ? "<none>" : age_of(last, now_s),
       object_age(object, now_s), container_names(pod), container_images(pod),
       selector_text(map_at(object, {"spec", "jobTemplate", "spec", "selector"}))});
}

namespace {

std::string amount(const Json* value) {
  if (value == nullptr) return {};
  return value->is_string() ? value->get<std::string>() : value->dump();
}

std::string metric_target(const Json& object, const Json& metric) {
  const std::string type = text(metric, {"type"});
  std::string source = type;
  if (!source.empty()) source[0] = static_cast<char>(source[0] | 32);
  const Json& wanted = map_at(metric, {source});
  const std::string name =
      text_at(wanted, {"name"}).empty() ? text(wanted, {"metric", "name"}) : text(wanted, {"name"});
  const Json* current = nullptr;
  for (const Json& one : list_at(object, {"status", "currentMetrics"})) {
    const Json& have = map_at(one, {source});
    if (text_at(have, {"name"}) == name || text_at(have, {"metric", "name"}) == name) {
      current = kube::find(have, {"current"});
    }
  }
  const auto of = [&](const char* field) {
    return current == nullptr ? std::string() : amount(kube::find(*current, {field}));
  };
  const auto unknown = [](std::string text) { return text.empty() ? "<unknown>" : text; };
  if (const Json* percent = kube::find(wanted, {"target", "averageUtilization"})) {
    std::string now = of("averageUtilization");
    if (!now.empty()) now += "%";
    return fmt::format("{}: {}/{}%", name, unknown(now), amount(percent));
  }
  if (const Json* average = kube::find(wanted, {"target", "averageValue"})) {
    return fmt::format("{}/{} (avg)", unknown(of("averageValue")), amount(average));
  }
  return fmt::format("{}/{}", unknown(of("value")),
                     amount(kube::find(wanted, {"target", "value"})));
}

std::string autoscaler_targets(const Json& object) {
  std::vector<std::string> all;
  for (const Json& metric : list_at(object, {"spec", "metrics"})) {
    all.push_back(metric_target(object, metric));
  }
  if (const auto percent = number_at(object, {"spec", "targetCPUUtilizationPercentage"})) {
    const auto now = number_at(object, {"status", "currentCPUUtilizationPercentage"});
    all.push_back(fmt::format("cpu: {}/{}%",
                              now.has_value() ? fmt::format("{}%", *now) : "<unknown>", *percent));
  }
  if (all.empty()) return "<none>";
  if (all.size() <= 2) return joined(all, ", ");
  return fmt::format("{}, {} + {} more...", all[0], all[1], all.size() - 2);
}

}  // namespace

Json autoscaler_cells(const Json& object, std::int64_t now_s) {
  const auto least = number_at(object, {"spec", "minReplicas"});
  return Json::array(
      {text(object, {"metadata", "name"}),
       fmt::format("{}/{}", text_at(object, {"spec", "scaleTargetRef", "kind"}),
                   text_at(object, {"spec", "scaleTargetRef", "name"})),
       autoscaler_targets(object), least.has_value() ? std::to_string(*least) : "<unset>",
       std::to_string(number(object, {"spec", "maxReplicas"})),
       std::to_string(number(object, {"status", "currentReplicas"})), object_age(object, now_s)});
}

Json budget_cells(const Json& object, std::int64_t now_s) {
  const auto shown = [&](const char* field) {
    const std::string value = amount(kube::find(object, {"spec", field}));
    return value.empty() ? "N/A" : value;
  };
  return Json::array({text(object, {"metadata", "name"}), shown("minAvailable"),
                      shown("maxUnavailable"), number(object, {"status", "disruptionsAllowed"}),
                      object_age(object, now_s)});
}

}  // namespace nacelle::kube::schema
