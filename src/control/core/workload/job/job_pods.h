// job_pods.h: what a Job sees in its pods, and the pods that it makes.
//
// Home:    pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/core/workload/job/pod_failure_policy.h"
#include "kube/object.h"

namespace nacelle::control::workload {

struct JobPod {
  const kube::Json* pod = nullptr;
  std::string uid;
  bool tracked = false;               // has our finalizer: not counted yet
  std::optional<std::int64_t> index;  // of Indexed Jobs
  enum class State { kActive, kTerminating, kSucceeded, kFailed } state = State::kActive;
  FailureVerdict verdict;     // of kFailed
  std::int64_t ended_at = 0;  // of ended ones, seconds since 1970
};

// The pods that `job` controls.
[[nodiscard]] std::vector<JobPod> job_pods(const kube::Json& job,
                                           const std::vector<kube::Json>& pods);

// Whether only pods in phase Failed are replaced: those that still end keep their place.
[[nodiscard]] bool replaces_only_failed(const kube::Json& job);

// Seconds until the next try: 0 when nothing failed since the last success.
[[nodiscard]] std::int64_t wait_after_failures(const std::vector<const JobPod*>& pods,
                                               std::int64_t now);

// How often the index failed so far, from the pods that are there.
[[nodiscard]] std::int64_t failures_of_index(const std::vector<JobPod>& pods, std::int64_t index);

// `number` makes the name: the same number, the same name.
[[nodiscard]] std::string job_pod_name(const kube::Json& job, std::optional<std::int64_t> index,
                                       std::uint64_t number);
// `failures` is written on the pods of Jobs that limit failures per index.
[[nodiscard]] kube::Json new_job_pod(const kube::Json& job, const std::string& name,
                                     std::optional<std::int64_t> index, std::int64_t failures);

// The pod without our finalizer.
[[nodiscard]] kube::Json without_tracking(kube::Json pod);

}  // namespace nacelle::control::workload
