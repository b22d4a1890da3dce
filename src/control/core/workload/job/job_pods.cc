#include "control/core/workload/job/job_pods.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "control/core/children.h"
#include "control/core/workload/job/job.h"
#include "control/core/workload/labels.h"
#include "kube/time.h"

namespace nacelle::control::workload {
namespace {

using kube::text_at;

constexpr std::string_view kIndex = "batch.kubernetes.io/job-completion-index";
constexpr std::string_view kIndexFailures = "batch.kubernetes.io/job-index-failure-count";
constexpr std::int64_t kFirstWait = 10;
constexpr std::int64_t kLongestWait = 600;
constexpr std::size_t kMaxNameBytes = 63;

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || out < 0) {
    return std::nullopt;
  }
  return out;
}

std::int64_t ended_at(const Json& pod) {
  std::int64_t latest = 0;
  for (const Json& status : kube::list_at(pod, {"status", "containerStatuses"})) {
    const auto at = kube::parse_timestamp(text_at(status, {"state", "terminated", "finishedAt"}));
    latest = std::max(latest, at.value_or(0));
  }
  if (latest > 0) return latest;
  for (const Json& condition : kube::list_at(pod, {"status", "conditions"})) {
    if (text_at(condition, {"type"}) != "Ready") continue;
    if (const auto at = kube::parse_timestamp(text_at(condition, {"lastTransitionTime"})))
      return *at;
  }
  for (const char* field : {"deletionTimestamp", "creationTimestamp"}) {
    if (const auto at = kube::parse_timestamp(text_at(pod, {"metadata", field}))) return *at;
  }
  return 0;
}

JobPod::State state_of(const Json& pod, bool only_failed) {
  const std::string_view phase = text_at(pod, {"status", "phase"});
  if (phase == "Succeeded") return JobPod::State::kSucceeded;
  if (phase == "Failed") return JobPod::State::kFailed;
  if (!kube::is_being_deleted(pod)) return JobPod::State::kActive;
  // One that never started may never say that it failed.
  const bool started = !phase.empty() && phase != "Pending";
  return only_failed && started ? JobPod::State::kTerminating : JobPod::State::kFailed;
}

void add_index_variable(Json& containers) {
  for (Json& container : containers) {
    Json& environment = container["env"];
    if (!environment.is_array()) environment = Json::array();
    const bool there = std::any_of(environment.begin(), environment.end(), [](const Json& each) {
      return text_at(each, {"name"}) == "JOB_COMPLETION_INDEX";
    });
    if (there) continue;
    const std::string path = "metadata.annotations['" + std::string(kIndex) + "']";
    environment.push_back(
        {{"name", "JOB_COMPLETION_INDEX"}, {"valueFrom", {{"fieldRef", {{"fieldPath", path}}}}}});
  }
}

}  // namespace

bool replaces_only_failed(const Json& job) {
  return text_at(job, {"spec", "podReplacementPolicy"}) == "Failed" ||
         kube::find(job, {"spec", "podFailurePolicy"}) != nullptr;
}

std::vector<JobPod> job_pods(const Json& job, const std::vector<Json>& pods) {
  const std::string owner(text_at(job, {"metadata", "uid"}));
  const bool only_failed = replaces_only_failed(job);
  const Json& policy = kube::map_at(job, {"spec", "podFailurePolicy"});
  std::vector<JobPod> out;
  for (const Json& pod : pods) {
    if (controller_of(pod) != owner) continue;
    JobPod seen;
    seen.pod = &pod;
    seen.uid = text_at(pod, {"metadata", "uid"});
    const Json& finalizers = kube::list_at(pod, {"metadata", "finalizers"});
    seen.tracked =
        std::find(finalizers.begin(), finalizers.end(), Json(kJobTracking)) != finalizers.end();
    seen.index = number_of(text_at(pod, {"metadata", "annotations", kIndex}));
    seen.state = state_of(pod, only_failed);
    if (seen.state == JobPod::State::kFailed) seen.verdict = judge_failure(policy, pod);
    if (seen.state == JobPod::State::kFailed || seen.state == JobPod::State::kSucceeded) {
      seen.ended_at = ended_at(pod);
    }
    out.push_back(std::move(seen));
  }
  return out;
}

std::int64_t wait_after_failures(const std::vector<const JobPod*>& pods, std::int64_t now) {
  std::int64_t last_success = 0;
  std::int64_t last_failure = 0;
  for (const JobPod* pod : pods) {
    if (pod->state == JobPod::State::kSucceeded) {
      last_success = std::max(last_success, pod->ended_at);
    }
  }
  std::int64_t failures = 0;
  for (const JobPod* pod : pods) {
    if (pod->state != JobPod::State::kFailed || pod->ended_at < last_success) continue;
    if (pod->verdict.action == FailureAction::kIgnore) continue;
    ++failures;
    last_failure = std::max(last_failure, pod->ended_at);
  }
  if (failures == 0) return 0;
  std::int64_t wait = kFirstWait;
  for (std::int64_t i = 1; i < failures && wait < kLongestWait; ++i) wait *= 2;
  // A clock that jumped back makes nobody wait longer than a first time.
  return std::clamp<std::int64_t>(last_failure + std::min(wait, kLongestWait) - now, 0,
                                  std::min(wait, kLongestWait));
}

std::int64_t failures_of_index(const std::vector<JobPod>& pods, std::int64_t index) {
  std::int64_t most = 0;
  for (const JobPod& pod : pods) {
    if (pod.index != index) continue;
    const std::int64_t before =
        number_of(text_at(*pod.pod, {"metadata", "annotations", kIndexFailures})).value_or(0);
    const bool counts =
        pod.state == JobPod::State::kFailed && pod.verdict.action != FailureAction::kIgnore;
    most = std::max(most, before + (counts ? 1 : 0));
  }
  return most;
}

std::string job_pod_name(const Json& job, std::optional<std::int64_t> index, std::uint64_t number) {
  std::string tail = index ? "-" + std::to_string(*index) : "";
  tail += "-" + name_suffix(text_at(job, {"metadata", "uid"}),
                            number + (index ? static_cast<std::uint64_t>(*index) * 1000 : 0));
  return kube::key_of(job).name.substr(0, kMaxNameBytes - tail.size()) + tail;
}

Json new_job_pod(const Json& job, const std::string& name, std::optional<std::int64_t> index,
                 std::int64_t failures) {
  const Json& pattern = kube::map_at(job, {"spec", "template"});
  const kube::ObjectKey key = kube::key_of(job);
  Json metadata = {{"name", name},
                   {"generateName", key.name + "-"},
                   {"namespace", key.name_space},
                   {"ownerReferences", Json::array({controller_reference(job)})}};
  for (const char* field : {"labels", "annotations", "finalizers"}) {
    const Json* value = kube::find(pattern, {"metadata", field});
    if (value != nullptr) metadata[field] = *value;
  }
  metadata["finalizers"].push_back(kJobTracking);
  Json spec = kube::map_at(pattern, {"spec"});
  if (index) {
    const std::string text = std::to_string(*index);
    metadata["annotations"][std::string(kIndex)] = text;
    metadata["labels"][std::string(kIndex)] = text;
    if (kube::number_at(job, {"spec", "backoffLimitPerIndex"})) {
      metadata["annotations"][std::string(kIndexFailures)] = std::to_string(failures);
    }
    for (const char* list : {"containers", "initContainers"}) {
      if (spec.contains(list) && spec[list].is_array()) add_index_variable(spec[list]);
    }
    const std::string host = key.name + "-" + text;
    if (!spec.contains("hostname") && host.size() <= kMaxNameBytes) spec["hostname"] = host;
  }
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata", std::move(metadata)},
          {"spec", std::move(spec)}};
}

Json without_tracking(Json pod) {
  Json& list = pod["metadata"]["finalizers"];
  list.erase(std::remove(list.begin(), list.end(), Json(kJobTracking)), list.end());
  if (list.empty()) pod["metadata"].erase("finalizers");
  return pod;
}

}  // namespace nacelle::control::workload
