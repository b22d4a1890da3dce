// job.h: a Job to its pods, until enough of them succeeded or too many failed.
//
// Every pod that ended is counted once, whatever crashes in between: pods carry the finalizer
// batch.kubernetes.io/job-tracking. A pod that ended is first written into
// status.uncountedTerminatedPods, then it loses its finalizer, then it moves into the counts.
// Indexed Jobs count successes by index (status.completedIndexes).
//
// How long to wait after failures is read from the failed pods that are still there: 10 s, doubled
// per failure since the last success up to 600 s.
//
// A Job with spec.managedBy of somebody else is left alone. Not here: successPolicy; no pod is
// adopted, since a Job selects by its own uid.
//
// Home:    pure.
// Bounds:  kMaxJobBatch creates or deletes per decision; 100,000 completions of Indexed Jobs.
// Source:  kubernetes-api.md section 21; Kubernetes documentation, "Jobs".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/core/decision.h"

namespace nacelle::control::workload {

inline constexpr std::size_t kMaxJobBatch = 500;
inline constexpr std::string_view kJobTracking = "batch.kubernetes.io/job-tracking";

struct JobObserved {
  Json job;
  std::vector<Json> pods;    // of the namespace
  std::int64_t now = 0;      // seconds since 1970
  std::string create_error;  // the API's message when the last create failed
};

[[nodiscard]] Decision decide_job(const JobObserved& observed);

// Pods of Jobs that are gone lose the finalizer nobody else removes. Both lists are complete.
[[nodiscard]] Decision release_job_pods(const std::vector<Json>& pods,
                                        const std::vector<Json>& jobs);

}  // namespace nacelle::control::workload
