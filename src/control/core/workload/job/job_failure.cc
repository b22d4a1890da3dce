#include "control/core/workload/job/job_failure.h"

#include <optional>

namespace nacelle::control::workload {
namespace {

using kube::Json;
using kube::number_at;
using kube::text_at;

constexpr std::int64_t kDefaultLimit = 6;

void give_up_indexes(const JobProgress& progress, std::int64_t limit, JobStatus& status) {
  for (const JobPod& pod : progress.pods) {
    if (pod.state != JobPod::State::kFailed || !pod.index) continue;
    if (status.completed.contains(*pod.index)) continue;
    if (pod.verdict.action == FailureAction::kFailIndex ||
        failures_of_index(progress.pods, *pod.index) > limit) {
      status.failed_indexes.add(*pod.index);
    }
  }
}

// Restarts within pods are failures, too, where containers are restarted in place.
bool restarted_too_often(const JobProgress& progress, std::int64_t limit) {
  if (text_at(progress.job, {"spec", "template", "spec", "restartPolicy"}) != "OnFailure") {
    return false;
  }
  std::int64_t restarts = 0;
  for (const JobPod& pod : progress.pods) {
    if (pod.state != JobPod::State::kActive) continue;
    for (const char* list : {"initContainerStatuses", "containerStatuses"}) {
      for (const Json& each : kube::list_at(*pod.pod, {"status", list})) {
        restarts += number_at(each, {"restartCount"}).value_or(0);
      }
    }
  }
  return limit == 0 ? restarts > 0 : restarts >= limit;
}

std::optional<std::int64_t> deadline_left(const JobProgress& progress, const JobStatus& status) {
  const auto limit = number_at(progress.job, {"spec", "activeDeadlineSeconds"});
  if (!limit || progress.suspended) return std::nullopt;
  if (!status.start_time.empty()) return limit;  // starts now
  const auto started = kube::parse_timestamp(text_at(progress.job, {"status", "startTime"}));
  if (!started) return std::nullopt;
  return *started + *limit - progress.now;
}

JobFailure failure_by_indexes(const JobProgress& progress, const JobStatus& status) {
  const std::int64_t given_up = status.failed_indexes.size();
  const auto most = number_at(progress.job, {"spec", "maxFailedIndexes"});
  if (most && given_up > *most) {
    return {"MaxFailedIndexesExceeded",
            "Job has exceeded the specified maximal number of failed indexes"};
  }
  const auto completions = number_at(progress.job, {"spec", "completions"}).value_or(0);
  if (given_up > 0 && given_up + progress.succeeded >= completions) {
    return {"FailedIndexes", "Job has failed indexes"};
  }
  return {};
}

}  // namespace

JobFailure failure_of(const JobProgress& progress, JobStatus& status, std::int64_t& deadline) {
  const auto per_index = number_at(progress.job, {"spec", "backoffLimitPerIndex"});
  if (per_index) give_up_indexes(progress, *per_index, status);
  if (const Json* decided = status.conditions.find("FailureTarget"); decided != nullptr) {
    return {std::string(text_at(*decided, {"reason"})),
            std::string(text_at(*decided, {"message"}))};
  }
  if (status.is("SuccessCriteriaMet")) return {};
  for (const JobPod& pod : progress.pods) {
    if (pod.state == JobPod::State::kFailed && pod.verdict.action == FailureAction::kFailJob) {
      return {"PodFailurePolicy", pod.verdict.message};
    }
  }
  // With a limit per index there is none for all, unless somebody set one: an API server that fills
  // in 6 cannot be told from that.
  const auto limit = number_at(progress.job, {"spec", "backoffLimit"}).value_or(kDefaultLimit);
  const bool limited = !per_index || limit != kDefaultLimit;
  if (limited && (progress.failed > limit || restarted_too_often(progress, limit))) {
    return {"BackoffLimitExceeded", "Job has reached the specified backoff limit"};
  }
  if (const auto left = deadline_left(progress, status); left) {
    if (*left <= 0) {
      return {"DeadlineExceeded", "Job was active longer than specified deadline"};
    }
    deadline = *left;
  }
  return per_index ? failure_by_indexes(progress, status) : JobFailure{};
}

}  // namespace nacelle::control::workload
