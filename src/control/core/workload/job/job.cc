#include "control/core/workload/job/job.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "control/core/children.h"
#include "control/core/workload/job/job_failure.h"
#include "control/core/workload/job/job_pods.h"
#include "control/core/workload/job/job_status.h"
#include "control/core/workload/labels.h"
#include "control/core/workload/pod_state.h"
#include "kube/pod.h"
#include "kube/time.h"

namespace nacelle::control::workload {
namespace {

using kube::number_at;
using kube::text_at;

class JobDecider {
 public:
  explicit JobDecider(const JobObserved& observed)
      : observed_(observed),
        job_(observed.job),
        now_(observed.now),
        indexed_(text_at(job_, {"spec", "completionMode"}) == "Indexed"),
        only_failed_(replaces_only_failed(job_)),
        completions_(number_at(job_, {"spec", "completions"})),
        per_index_(number_at(job_, {"spec", "backoffLimitPerIndex"})),
        pods_(job_pods(job_, observed.pods)),
        status_(job_, observed.now) {
    if (indexed_) completions_ = std::clamp<std::int64_t>(completions_.value_or(0), 0, kMaxIndexes);
  }

  Decision run() {
    const std::string_view manager = text_at(job_, {"spec", "managedBy"});
    if (!manager.empty() && manager != "kubernetes.io/job-controller") return {};
    if (status_.is("Complete") || status_.is("Failed")) {
      clean_up();
      return std::move(decision_);
    }
    for (const JobPod& pod : pods_) {
      const bool ended = text_at(*pod.pod, {"status", "phase"}) == "Succeeded" ||
                         text_at(*pod.pod, {"status", "phase"}) == "Failed";
      if (pod.state == JobPod::State::kActive) active_.push_back(&pod);
      if (kube::is_being_deleted(*pod.pod) && !ended) ++status_.terminating;
    }
    count();
    if (!kube::is_being_deleted(job_)) go_on();
    write_status();
    return std::move(decision_);
  }

 private:
  // What is left of a Job that is over.
  void clean_up() {
    for (const JobPod& pod : pods_) {
      if (pod.tracked) untrack(pod);
    }
    const auto keep = number_at(job_, {"spec", "ttlSecondsAfterFinished"});
    if (!keep || kube::is_being_deleted(job_)) return;
    const Json* end = status_.conditions.find(status_.is("Complete") ? "Complete" : "Failed");
    const std::int64_t ended =
        kube::parse_timestamp(text_at(*end, {"lastTransitionTime"})).value_or(0);
    if (const std::int64_t rest = ended + *keep - now_; rest > 0) {
      decision_.look_again(std::chrono::seconds(rest));
      return;
    }
    decision_.actions.push_back(Delete{target_of(job_),
                                       std::string(text_at(job_, {"metadata", "uid"})),
                                       Propagation::kForeground});
  }

  void untrack(const JobPod& pod) {
    decision_.actions.push_back(Update{without_tracking(*pod.pod)});
  }

  void count() {
    std::map<std::string_view, const JobPod*> by_uid;
    for (const JobPod& pod : pods_) by_uid[pod.uid] = &pod;
    // What is in no pod's way any more moves into the counts.
    const auto settle = [&](std::set<std::string>& waiting, std::int64_t& total) {
      for (auto at = waiting.begin(); at != waiting.end();) {
        const auto pod = by_uid.find(*at);
        const bool free = pod == by_uid.end() || !pod->second->tracked;
        if (free) ++total;
        at = free ? waiting.erase(at) : std::next(at);
      }
    };
    settle(status_.uncounted_succeeded, status_.succeeded);
    settle(status_.uncounted_failed, status_.failed);
    for (const JobPod& pod : pods_) {
      if (!pod.tracked) continue;
      if (pod.state == JobPod::State::kSucceeded) count_success(pod);
      if (pod.state == JobPod::State::kFailed) count_failure(pod);
    }
  }

  void count_success(const JobPod& pod) {
    if (!indexed_) {
      status_.uncounted_succeeded.insert(pod.uid);
      if (status_.stored_uncounted.contains(pod.uid)) untrack(pod);
      return;
    }
    const bool valid = pod.index && *pod.index < *completions_;
    if (valid) status_.completed.add(*pod.index);
    if (!valid || status_.stored_completed.contains(*pod.index)) untrack(pod);
  }

  void count_failure(const JobPod& pod) {
    if (pod.verdict.action == FailureAction::kIgnore) {
      untrack(pod);
      return;
    }
    if (status_.stored_uncounted.contains(pod.uid)) {
      untrack(pod);
      return;
    }
    status_.uncounted_failed.insert(pod.uid);
  }

  std::int64_t succeeded() const {
    return indexed_
               ? status_.completed.size()
               : status_.succeeded + static_cast<std::int64_t>(status_.uncounted_succeeded.size());
  }
  std::int64_t failed() const {
    return status_.failed + static_cast<std::int64_t>(status_.uncounted_failed.size());
  }

  void go_on() {
    start_or_suspend();
    std::int64_t deadline = 0;
    const JobFailure failure =
        failure_of({job_, pods_, succeeded(), failed(), now_, suspended()}, status_, deadline);
    if (!failure.reason.empty()) {
      fail(failure);
      return;
    }
    if (deadline > 0) decision_.look_again(std::chrono::seconds(deadline));
    const bool done =
        completions_ ? succeeded() >= *completions_ : succeeded() > 0 && active_.empty();
    if (done || status_.is("SuccessCriteriaMet")) {
      succeed();
      return;
    }
    if (suspended()) {
      for (const JobPod* pod : active_) drop(*pod);
      return;
    }
    scale();
  }

  bool suspended() const { return kube::bool_at(job_, {"spec", "suspend"}); }

  void start_or_suspend() {
    if (suspended()) {
      if (status_.is("Suspended")) return;
      status_.conditions.set({"Suspended", "True", "JobSuspended", "Job suspended"});
      tell("Normal", "Suspended", "Job suspended");
      return;
    }
    if (status_.is("Suspended")) {
      status_.conditions.set({"Suspended", "False", "JobResumed", "Job resumed"});
      status_.start_time = kube::timestamp(now_);
      tell("Normal", "Resumed", "Job resumed");
    } else if (text_at(job_, {"status", "startTime"}).empty()) {
      status_.start_time = kube::timestamp(now_);
    }
  }

  // Nothing runs, and every end is in the counts.
  bool at_rest() const {
    return active_.empty() && status_.terminating == 0 && status_.uncounted_succeeded.empty() &&
           status_.uncounted_failed.empty();
  }

  void fail(const JobFailure& why) {
    status_.conditions.set({"FailureTarget", "True", why.reason, why.message});
    for (const JobPod* pod : active_) remove(*pod);  // they count as failed
    if (!at_rest()) return;
    status_.conditions.set({"Failed", "True", why.reason, why.message});
    tell("Warning", why.reason, why.message);
  }

  void succeed() {
    const std::string message = "Reached expected number of succeeded pods";
    status_.conditions.set({"SuccessCriteriaMet", "True", "CompletionsReached", message});
    for (const JobPod* pod : active_) drop(*pod);
    if (!at_rest()) return;
    status_.conditions.set({"Complete", "True", "CompletionsReached", message});
    status_.completion_time = kube::timestamp(now_);
    tell("Normal", "Completed", "Job completed");
  }

  // One that is not needed is not counted.
  void drop(const JobPod& pod) {
    if (pod.tracked) untrack(pod);
    remove(pod);
  }

  void remove(const JobPod& pod) {
    if (removed_ == kMaxJobBatch) return;
    ++removed_;
    decision_.actions.push_back(Delete{target_of(*pod.pod), pod.uid});
    tell("Normal", "SuccessfulDelete", "Deleted pod: " + kube::key_of(*pod.pod).name);
  }

  void scale() {
    const auto parallelism =
        std::max<std::int64_t>(0, number_at(job_, {"spec", "parallelism"}).value_or(1));
    std::vector<const JobPod*> kept = keepers();
    const auto active = static_cast<std::int64_t>(kept.size());
    std::int64_t wanted = parallelism;
    if (completions_) {
      const std::int64_t left = *completions_ - succeeded() - status_.failed_indexes.size();
      wanted = std::min(parallelism, std::max<std::int64_t>(0, left));
    } else if (succeeded() > 0) {
      wanted = std::min(active, parallelism);  // one was enough: no new ones
    }
    for (std::int64_t i = wanted; i < active; ++i) drop(*kept[static_cast<std::size_t>(i)]);
    const std::int64_t ending = only_failed_ ? status_.terminating : 0;
    if (const std::int64_t missing = wanted - active - ending; missing > 0) create(missing, kept);
  }

  // The active pods in the order of their worth; those that no index needs go.
  std::vector<const JobPod*> keepers() {
    std::vector<const JobPod*> kept = active_;
    if (!indexed_) {
      std::sort(kept.begin(), kept.end(), [](const JobPod* a, const JobPod* b) {
        return goes_before(*b->pod, 0, *a->pod, 0);
      });
      return kept;
    }
    std::sort(kept.begin(), kept.end(), [](const JobPod* a, const JobPod* b) {
      if (a->index != b->index) return a->index < b->index;
      return goes_before(*b->pod, 0, *a->pod, 0);
    });
    std::set<std::int64_t> taken;
    std::erase_if(kept, [&](const JobPod* pod) {
      const bool needed =
          pod->index && *pod->index < *completions_ && !status_.completed.contains(*pod->index) &&
          !status_.failed_indexes.contains(*pod->index) && taken.insert(*pod->index).second;
      if (!needed) drop(*pod);
      return !needed;
    });
    return kept;
  }

  std::int64_t wait_of(std::optional<std::int64_t> index) const {
    std::vector<const JobPod*> which;
    for (const JobPod& pod : pods_) {
      if (!index || pod.index == index) which.push_back(&pod);
    }
    return wait_after_failures(which, now_);
  }

  void create(std::int64_t missing, const std::vector<const JobPod*>& kept) {
    if (const std::int64_t wait = per_index_ ? 0 : wait_of(std::nullopt); wait > 0) {
      decision_.look_again(std::chrono::seconds(wait));
      return;
    }
    // In batches that double: a template nothing can run is tried once, not a thousand times.
    const std::size_t batch = std::min(
        {static_cast<std::size_t>(missing), std::max<std::size_t>(1, pods_.size()), kMaxJobBatch});
    std::set<std::string> names;
    for (const Json& pod : observed_.pods) names.insert(kube::key_of(pod).name);
    std::uint64_t number = 0;
    const auto make = [&](std::optional<std::int64_t> index) {
      if (index) number = 0;
      std::string name = job_pod_name(job_, index, number);
      while (!names.insert(name).second) name = job_pod_name(job_, index, ++number);
      const std::int64_t failures = index && per_index_ ? failures_of_index(pods_, *index) : 0;
      decision_.actions.push_back(Create{new_job_pod(job_, name, index, failures)});
      tell("Normal", "SuccessfulCreate", "Created pod: " + name);
    };
    if (!indexed_) {
      for (std::size_t i = 0; i < batch; ++i) make(std::nullopt);
      return;
    }
    std::set<std::int64_t> busy;
    for (const JobPod* pod : kept) busy.insert(*pod->index);
    for (const JobPod& pod : pods_) {
      if (only_failed_ && pod.index && pod.state == JobPod::State::kTerminating) {
        busy.insert(*pod.index);
      }
    }
    std::size_t made = 0;
    for (std::int64_t index = 0; index < *completions_ && made < batch; ++index) {
      if (status_.completed.contains(index) || status_.failed_indexes.contains(index)) continue;
      if (busy.contains(index)) continue;
      if (const std::int64_t wait = per_index_ ? wait_of(index) : 0; wait > 0) {
        decision_.look_again(std::chrono::seconds(wait));
        continue;
      }
      make(index);
      ++made;
    }
  }

  void tell(const char* type, const std::string& reason, const std::string& message) {
    decision_.actions.push_back(RecordEvent{target_of(job_), type, reason, message});
  }

  void write_status() {
    status_.active = static_cast<std::int64_t>(active_.size());
    for (const JobPod* pod : active_) status_.ready += kube::is_ready(*pod->pod) ? 1 : 0;
    Json status = status_.finished(indexed_, per_index_.has_value());
    if (status == kube::map_at(job_, {"status"})) return;
    Json updated = job_;
    updated["status"] = std::move(status);
    decision_.actions.push_back(UpdateStatus{std::move(updated)});
  }

  const JobObserved& observed_;
  const Json& job_;
  const std::int64_t now_;
  const bool indexed_, only_failed_;
  std::optional<std::int64_t> completions_;
  const std::optional<std::int64_t> per_index_;
  const std::vector<JobPod> pods_;
  JobStatus status_;
  std::vector<const JobPod*> active_;
  std::size_t removed_ = 0;
  Decision decision_;
};

}  // namespace

Decision decide_job(const JobObserved& observed) { return JobDecider(observed).run(); }

Decision release_job_pods(const std::vector<Json>& pods, const std::vector<Json>& jobs) {
  std::set<std::string_view> alive;
  for (const Json& job : jobs) alive.insert(text_at(job, {"metadata", "uid"}));
  Decision decision;
  for (const Json& pod : pods) {
    const Json& finalizers = kube::list_at(pod, {"metadata", "finalizers"});
    if (std::find(finalizers.begin(), finalizers.end(), Json(kJobTracking)) == finalizers.end()) {
      continue;
    }
    const std::string owner = controller_of(pod);
    if (!alive.contains(owner)) decision.actions.push_back(Update{without_tracking(pod)});
  }
  return decision;
}

}  // namespace nacelle::control::workload
