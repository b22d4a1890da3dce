#include "control/core/kserve/canary.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "control/core/children.h"
#include "control/core/kserve/canary_health.h"
#include "control/core/kserve/canary_objects.h"
#include "control/core/kserve/canary_progress.h"
#include "control/core/kserve/canary_settings.h"
#include "control/core/kserve/readiness.h"
#include "control/core/kserve/stable_revision.h"
#include "kube/time.h"

namespace nacelle::control::kserve {
namespace {

using kube::text_at;

constexpr const char* kCondition = "CanaryReady";
// How often failed requests are looked at.
constexpr std::chrono::seconds kLookAtTraffic{1};
constexpr std::int64_t kStatusSeconds = 10;

class CanaryPlanner {
 public:
  CanaryPlanner(const Owner& owner, const Observed& observed, std::vector<Json>& wanted,
                Json& status, kube::Conditions& conditions, std::string_view why_not)
      : owner_(owner),
        observed_(observed),
        wanted_(wanted),
        status_(status),
        conditions_(conditions),
        why_not_(why_not),
        uid_(text_at(owner.service, {"metadata", "uid"})),
        now_(kube::parse_timestamp(observed.now).value_or(0)),
        revision_(revision_of(owner, wanted)) {}

  CanaryPlan run() {
    sides_ = stable_sides(owner_, observed_, revision_, wanted_);
    canary_ = own_child(owner_.spec.main.multi_node() ? "LeaderWorkerSet" : "Deployment",
                        canary_workload_name(owner_, false));
    Review review;
    const auto settings = parse_canary(owner_.service, review);
    if (!review.allowed()) {
      const FieldProblem& problem = review.problems.front();
      refuse("InvalidAnnotation", problem.field + ": " + problem.message);
    } else if (!settings) {
      forget_outcome();
      conditions_.remove(kCondition);
    } else if (const std::string why = in_the_way(); !why.empty()) {
      refuse("NotSupported", why + "; another revision is a plain update");
    } else {
      settings_ = *settings;
      decide();
      return std::move(plan_);
    }
    drain();
    return std::move(plan_);
  }

 private:
  [[nodiscard]] std::string in_the_way() const {
    if (!why_not_.empty()) return std::string(why_not_);
    return why_no_canary(owner_, observed_, revision_, sides_, wanted_);
  }

  [[nodiscard]] const Json* own_child(std::string_view kind, const std::string& name) const {
    const Json* child = child_of(observed_, kind, name);
    return child != nullptr && controller_of(*child) == uid_ ? child : nullptr;
  }

  void refuse(const char* reason, std::string message) {
    forget_outcome();
    conditions_.set({kCondition, "False", reason, std::move(message)});
  }

  void decide() {
    const bool all_there = std::all_of(sides_.begin(), sides_.end(),
                                       [](const StableSide& one) { return one.seen != nullptr; });
    const bool arrived = std::any_of(sides_.begin(), sides_.end(), [&](const StableSide& one) {
      return one.seen != nullptr && one.revision.digest == revision_.digest;
    });
    const bool running = canary_ != nullptr && revision_of_canary() == revision_.digest;
    if (!all_there || arrived) {
      if (arrived && running && outcome() != outcome_of("Promoted"))
        await_promotion();
      else
        rest(arrived);
    } else if (!running && outcome() != outcome_of("RolledBack") && !worth_keeping()) {
      rest(false);  // nothing answers: the new revision is the best there is
    } else {
      try_revision();
    }
  }

  [[nodiscard]] std::string revision_of_canary() const {
    return std::string(text_at(*canary_, {"metadata", "annotations", kRevisionAnnotation}));
  }

  [[nodiscard]] bool worth_keeping() const {
    return std::all_of(sides_.begin(), sides_.end(), [](const StableSide& one) {
      return replicas_of(*one.seen) > 0 && has_been_ready(*one.seen);
    });
  }

  // A plain update, or nothing to do.
  void rest(bool arrived) {
    if (arrived && outcome() == outcome_of("Promoted")) {
      conditions_.set({kCondition, "True", "Promoted", promoted_text()});
    } else {
      forget_outcome();
      conditions_.remove(kCondition);
    }
    drain();
  }

  void try_revision() {
    const Revision before = sides_.front().revision;
    if (outcome() == outcome_of("RolledBack")) {
      hold();
      const Json* told = conditions_.find(kCondition);
      if (told == nullptr || text_at(*told, {"reason"}) != "RolledBack") {
        conditions_.set({kCondition, "False", "RolledBack",
                         fmt::format("revision {} was rolled back", revision_.digest)});
      }
      drain();
      return;
    }
    forget_outcome();
    if (canary_ != nullptr &&
        (revision_of_canary() != revision_.digest || kube::is_being_deleted(*canary_))) {
      hold();
      progressing(fmt::format("the canary of revision {} ends first", revision_of_canary()));
      drain();
      return;
    }
    const std::string cause = failure(owner_, observed_, revision_.digest);
    if (!cause.empty()) {
      hold();
      roll_back(cause);
      return;
    }
    run_step(before);
  }

  void run_step(const Revision& before) {
    CanaryProgress progress;
    if (canary_ != nullptr) progress = progress_of(*canary_);
    const std::vector<std::int64_t>& steps = settings_.steps;
    progress.step = std::min(progress.step, steps.size() - 1);
    const std::int64_t percent = steps[progress.step];
    std::vector<Json> objects = make_objects(percent);
    if (progress.began && !any_available(observed_, objects)) {
      progress.began.reset();
      progress.asked = now_;
    }
    // A clock that went back: the step begins now, or it would wait for the time to come again.
    if (progress.began && *progress.began > now_) progress.began = now_;
    if (!progress.asked || *progress.asked > now_) progress.asked = now_;
    if (!progress.began && is_ready(observed_, objects)) {
      progress.began = now_;
      progress.counted = canary_traffic(owner_, observed_);
    }
    if (!progress.began) {
      const std::int64_t left = *progress.asked + kSetDeadlineSeconds - now_;
      if (std::string late = late_set(observed_, objects, revision_.digest); !late.empty()) {
        if (left <= 0) {
          hold();
          roll_back(late);
          return;
        }
        plan_.look_again_in = std::chrono::seconds(left);
      }
      const bool answers = progress.step > 0 && any_available(observed_, objects);
      const std::int64_t meanwhile = answers ? steps[progress.step - 1] : 0;
      hold();
      add(std::move(objects), progress, meanwhile);
      progressing(waiting_text(percent, meanwhile));
      return;
    }
    const std::string cause =
        too_many_errors(progress, canary_traffic(owner_, observed_), settings_);
    if (!cause.empty()) {
      hold();
      roll_back(cause);
      return;
    }
    const std::int64_t end = *progress.began + settings_.step_seconds;
    if (now_ < end) {
      hold();
      add(std::move(objects), progress, percent);
      tell_of_step(progress.step, end, before);
      return;
    }
    if (progress.step + 1 == steps.size()) {  // the workloads get the template now
      add(std::move(objects), progress, percent);
      progressing(promoting_text(percent));
      return;
    }
    ++progress.step;
    progress.began.reset();
    progress.asked = now_;
    objects = make_objects(steps[progress.step]);
    hold();
    add(std::move(objects), progress, percent);
    progressing(waiting_text(steps[progress.step], percent));
  }

  void tell_of_step(std::size_t step, std::int64_t end, const Revision& before) {
    const std::vector<std::int64_t>& steps = settings_.steps;
    const std::string next = step + 1 < steps.size()
                                 ? fmt::format("{} %", steps[step + 1])
                                 : "it takes the place of revision " + before.digest;
    // The moment and not the seconds that are left: a status is not written every second.
    progressing(fmt::format("{} % on revision {} until {}, then {}{}", steps[step],
                            revision_.digest, kube::timestamp(end), next,
                            observed_.traffic ? "" : "; failed requests are not counted here"));
    const std::chrono::seconds left{std::max<std::int64_t>(1, end - now_)};
    plan_.look_again_in = observed_.traffic ? std::min(left, kLookAtTraffic) : left;
  }

  // The workloads have the new template: the canary answers until they all do.
  void await_promotion() {
    const bool done = std::all_of(sides_.begin(), sides_.end(), [&](const StableSide& one) {
      return one.revision.digest == revision_.digest && is_rolled_out(*one.seen) &&
             is_told(*one.seen);
    });
    if (done) {
      set_outcome("Promoted");
      conditions_.set({kCondition, "True", "Promoted", promoted_text()});
      tell("Normal", "CanaryPromoted", promoted_text());
      keep_all();
      return;
    }
    const std::int64_t percent = settings_.steps.back();
    std::vector<Json> objects = make_objects(percent);
    const bool answers = any_available(observed_, objects);
    add(std::move(objects), progress_of(*canary_), answers ? percent : 0);
    progressing(promoting_text(answers ? percent : 0));
  }

  // A status that does not say which generation it is about may be of the template before: it
  // counts some time after the template was written, which is the end of the last step.
  [[nodiscard]] bool is_told(const Json& workload) {
    const std::int64_t began = progress_of(*canary_).began.value_or(now_);
    if (tells_generation(workload) || began > now_) return true;  // or the clock went back
    const std::int64_t written = began + settings_.step_seconds;
    if (now_ >= written + kStatusSeconds) return true;
    plan_.look_again_in = std::chrono::seconds(written + kStatusSeconds - now_);
    return false;
  }

  void roll_back(const std::string& cause) {
    const std::string text =
        fmt::format("revision {} was rolled back: {}", revision_.digest, cause);
    set_outcome("RolledBack");
    conditions_.set({kCondition, "False", "RolledBack", text});
    tell("Warning", "CanaryRolledBack", text);
    keep_all();  // until the status says so
  }

  [[nodiscard]] std::string waiting_text(std::int64_t percent, std::int64_t meanwhile) const {
    return fmt::format("revision {} gets {} % of the requests when it is ready, and {} % now",
                       revision_.digest, percent, meanwhile);
  }
  [[nodiscard]] std::string promoted_text() const {
    return fmt::format("revision {} answers all requests", revision_.digest);
  }
  [[nodiscard]] std::string promoting_text(std::int64_t percent) const {
    return fmt::format(
        "revision {} is rolled out to all replicas; {} % of the requests go to its "
        "canary until then",
        revision_.digest, percent);
  }

  // ---- what is wanted

  // The workloads keep the template that they have.
  void hold() {
    for (const StableSide& one : sides_) {
      const char* key = workload_template_key(text_at(*one.wanted, {"kind"}));
      (*one.wanted)["spec"][key] = workload_template(*one.seen);
      set_revision(*one.wanted, one.revision);
    }
  }

  [[nodiscard]] std::vector<Json> make_objects(std::int64_t percent) const {
    return canary_objects(owner_, wanted_, revision_, [&](const Json& workload) {
      const Json* seen =
          child_of(observed_, text_at(workload, {"kind"}), kube::key_of(workload).name);
      const std::int64_t all = seen == nullptr ? 1 : replicas_of(*seen);
      return std::max<std::int64_t>(1, (all * percent + 99) / 100);
    });
  }

  // In front of the route, which refers to them.
  void add(std::vector<Json> objects, const CanaryProgress& progress, std::int64_t percent) {
    for (Json& object : objects) {
      if (is_workload(text_at(object, {"kind"})) &&
          kube::key_of(object).name == canary_workload_name(owner_, false))
        write_progress(progress, object);
    }
    const auto route = std::find_if(wanted_.begin(), wanted_.end(), [](const Json& object) {
      return text_at(object, {"kind"}) == "HTTPRoute";
    });
    if (route != wanted_.end() && percent > 0) split_route(owner_, percent, *route);
    wanted_.insert(route, std::make_move_iterator(objects.begin()),
                   std::make_move_iterator(objects.end()));
    sides_.clear();  // their places in wanted_ have moved
  }

  void keep_all() {
    for (const Json& child : observed_.children) {
      if (is_of_canary(owner_, child) && controller_of(child) == uid_)
        plan_.keep.push_back(target_of(child));
    }
  }

  // What requests may still be sent to stays until no gateway does.
  void drain() {
    const Json* route =
        child_of(observed_, "HTTPRoute", child_name(owner_.name(), "-kserve-route"));
    if (route == nullptr) return;
    if (sends_to_canary(owner_, *route) || !is_taken(*route)) keep_all();
  }

  // ---- what is told

  void progressing(std::string message) {
    for (const std::string& refusal : observed_.refused) {
      if (is_refusal_of_canary(owner_, refusal)) message += "; " + refusal;
    }
    conditions_.set({kCondition, "Unknown", "Progressing", std::move(message)});
  }

  void tell(const char* type, const char* reason, const std::string& message) {
    plan_.events.push_back({target_of(owner_.service), type, reason, message});
  }

  [[nodiscard]] std::string outcome() const {
    return std::string(text_at(status_, {"annotations", kCanaryOutcome}));
  }
  [[nodiscard]] std::string outcome_of(const char* end) const {
    return std::string(end) + "/" + revision_.digest;
  }
  void set_outcome(const char* end) {
    status_["annotations"][std::string(kCanaryOutcome)] = outcome_of(end);
  }
  void forget_outcome() {
    const auto annotations = status_.find("annotations");
    if (annotations == status_.end() || !annotations->is_object()) return;
    annotations->erase(std::string(kCanaryOutcome));
    if (annotations->empty()) status_.erase(annotations);
  }

  const Owner& owner_;
  const Observed& observed_;
  std::vector<Json>& wanted_;
  Json& status_;
  kube::Conditions& conditions_;
  const std::string_view why_not_;
  const std::string uid_;
  const std::int64_t now_;
  const Revision revision_;  // that is wanted
  CanarySettings settings_;
  std::vector<StableSide> sides_;
  const Json* canary_ = nullptr;  // its Deployment, where there is one
  CanaryPlan plan_;
};

}  // namespace

CanaryPlan plan_canary(const Owner& owner, const Observed& observed, std::vector<Json>& wanted,
                       Json& status, kube::Conditions& conditions, std::string_view why_not) {
  return CanaryPlanner(owner, observed, wanted, status, conditions, why_not).run();
}

bool has_canary(const Owner& owner, const Observed& observed) {
  const std::string uid(text_at(owner.service, {"metadata", "uid"}));
  return std::any_of(observed.children.begin(), observed.children.end(), [&](const Json& child) {
    return is_of_canary(owner, child) && controller_of(child) == uid;
  });
}

}  // namespace nacelle::control::kserve
