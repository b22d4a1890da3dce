// job_status.h: the counts and conditions of a Job, edited in place and compared at the end.
//
// Home:    pure; lives for one decision.
#pragma once

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>

#include "control/core/workload/job/index_set.h"
#include "kube/conditions.h"
#include "kube/time.h"

namespace nacelle::control::workload {

inline constexpr std::int64_t kMaxIndexes = 100'000;

class JobStatus {
 public:
  JobStatus(const kube::Json& job, std::int64_t now)
      : before_(kube::map_at(job, {"status"})),
        completions_(std::clamp<std::int64_t>(
            kube::number_at(job, {"spec", "completions"}).value_or(0), 0, kMaxIndexes)),
        conditions(kube::list_at(job, {"status", "conditions"}), kube::timestamp(now)),
        completed(IndexSet::parse(kube::text_at(before_, {"completedIndexes"}), completions_)),
        failed_indexes(IndexSet::parse(kube::text_at(before_, {"failedIndexes"}), completions_)) {
    succeeded = number("succeeded");
    failed = number("failed");
    for (const auto& [name, list] :
         {std::pair("succeeded", &uncounted_succeeded), std::pair("failed", &uncounted_failed)}) {
      for (const kube::Json& uid : kube::list_at(before_, {"uncountedTerminatedPods", name})) {
        if (uid.is_string()) list->insert(uid.get<std::string>());
      }
    }
    stored_uncounted = uncounted_succeeded;
    stored_uncounted.insert(uncounted_failed.begin(), uncounted_failed.end());
    stored_completed = completed;
  }

  [[nodiscard]] bool is(const char* condition) const {
    return conditions.status(condition) == "True";
  }

  // The status as it is to be stored.
  [[nodiscard]] kube::Json finished(bool indexed, bool limits_indexes) {
    kube::Json out = before_;
    const auto count = [&](const char* name, std::int64_t value) {
      if (value == 0)
        out.erase(name);
      else
        out[name] = value;
    };
    count("active", active);
    count("succeeded", indexed ? completed.size() : succeeded);
    count("failed", failed);
    out["ready"] = ready;
    out["terminating"] = terminating;
    kube::Json waiting = kube::Json::object();
    if (!uncounted_succeeded.empty()) waiting["succeeded"] = uncounted_succeeded;
    if (!uncounted_failed.empty()) waiting["failed"] = uncounted_failed;
    out["uncountedTerminatedPods"] = std::move(waiting);
    if (indexed) {
      if (completed.size() == 0)
        out.erase("completedIndexes");
      else
        out["completedIndexes"] = completed.to_string();
      if (limits_indexes) out["failedIndexes"] = failed_indexes.to_string();
    }
    if (!start_time.empty()) out["startTime"] = start_time;
    if (!completion_time.empty()) out["completionTime"] = completion_time;
    if (!conditions.list().empty()) out["conditions"] = conditions.list();
    return out;
  }

 private:
  [[nodiscard]] std::int64_t number(const char* name) const {
    return std::max<std::int64_t>(0, kube::number_at(before_, {name}).value_or(0));
  }

  const kube::Json& before_;
  const std::int64_t completions_;

 public:
  kube::Conditions conditions;
  IndexSet completed, failed_indexes;
  IndexSet stored_completed{0};
  std::int64_t active = 0, ready = 0, terminating = 0, succeeded = 0, failed = 0;
  // By uid of the pod: seen to have ended, but not in the counts.
  std::set<std::string> uncounted_succeeded, uncounted_failed;
  std::set<std::string> stored_uncounted;   // as the API has them
  std::string start_time, completion_time;  // "" leaves them
};

}  // namespace nacelle::control::workload
