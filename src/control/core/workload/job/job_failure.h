// job_failure.h: whether a Job cannot succeed any more, and why.
//
// Home:    pure.
// Source:  Kubernetes documentation, "Pod backoff failure policy", "Backoff limit per index".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/core/workload/job/job_pods.h"
#include "control/core/workload/job/job_status.h"

namespace nacelle::control::workload {

struct JobProgress {
  const kube::Json& job;
  const std::vector<JobPod>& pods;
  std::int64_t succeeded = 0, failed = 0;  // with those that wait to be counted
  std::int64_t now = 0;
  bool suspended = false;
};
struct JobFailure {
  std::string reason, message;  // both "" while there is hope
};

// Notes indexes that are given up in `status`. `deadline` becomes the seconds left, when any are.
[[nodiscard]] JobFailure failure_of(const JobProgress& progress, JobStatus& status,
                                    std::int64_t& deadline);

}  // namespace nacelle::control::workload
