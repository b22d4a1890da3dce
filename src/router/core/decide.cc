#include "router/core/decide.h"

#include <algorithm>
#include <optional>

#include "base/check.h"

namespace nacelle::router {
namespace {

constexpr int kMaxRuns = 16;

std::vector<std::uint32_t> copy_of(const Candidates& candidates) {
  return {candidates.begin(), candidates.end()};
}

void mark_fresh(const DecisionInput& input, std::vector<std::uint8_t>& fresh) {
  fresh.resize(input.pool->size());
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    const TimePoint updated = input.pool->updated[i];
    fresh[i] = updated != TimePoint::min() && input.now - updated <= input.metrics_stale_after;
  }
}

// Those that may be considered at all. A wrong health signal must not turn into a full outage, so
// when no endpoint is marked serving, all untried ones stay.
void keep_usable(const DecisionInput& input, Candidates& pool) {
  const RoutingRequest& request = input.request;
  const PoolView& view = *input.pool;
  if (!request.subset.empty()) {
    pool.keep_if([&](std::uint32_t position) {
      const auto& subset = request.subset;
      return std::find(subset.begin(), subset.end(), view.endpoint(position).address) !=
             subset.end();
    });
  }
  if (!request.excluded.empty()) {
    pool.keep_if([&](std::uint32_t position) {
      const auto& tried = request.excluded;
      return std::find(tried.begin(), tried.end(), view.endpoint(position).id) == tried.end();
    });
  }
  pool.keep_if_any([&](std::uint32_t position) { return view.endpoint(position).serving; });
}

void run_profile(const PickContext& context, const Profile& profile, DecisionScratch& scratch,
                 ProfileResult& result, DecisionTrace::ProfileRun* trace, StepObserver* steps) {
  Candidates& candidates = scratch.candidates;
  candidates.assign(scratch.pool.positions());
  for (const FilterStep& step : profile.filters) {
    if (candidates.empty()) break;
    {
      const ObservedStep observed(steps, Step::kFilter, step.filter);
      step.filter->filter(context, candidates);
    }
    if (trace != nullptr) trace->filters.push_back({step.name, copy_of(candidates)});
  }
  result.state = ProfileResult::State::kFailed;
  if (candidates.empty()) return;

  scratch.totals.assign(candidates.size(), 0.0);
  for (const ScorerStep& step : profile.scorers) {
    scratch.scores.assign(candidates.size(), 0.0);
    {
      const ObservedStep observed(steps, Step::kScore, step.scorer);
      step.scorer->score(context, candidates, scratch.scores);
    }
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      // The comparison form of the clamp also turns NaN into 0.
      const double clamped = scratch.scores[i] > 0 ? std::min(scratch.scores[i], 1.0) : 0.0;
      scratch.scores[i] = clamped;
      scratch.totals[i] += clamped * step.weight;
    }
    if (trace != nullptr) trace->scorers.push_back({step.name, step.weight, scratch.scores});
  }
  {
    const ObservedStep observed(steps, Step::kPick, profile.picker);
    profile.picker->pick(context, candidates, scratch.totals, result.targets);
  }
  CHECK(!result.targets.empty());
  result.state = ProfileResult::State::kDone;
  if (trace != nullptr) {
    trace->candidates = copy_of(candidates);
    trace->totals = scratch.totals;
    trace->picker = profile.picker_name;
  }
}

std::optional<std::uint32_t> next_profile(const Schedule& schedule, const PickContext& context,
                                          StepObserver* steps) {
  const ObservedStep observed(steps, Step::kNextProfile, schedule.handler);
  return schedule.handler->next(context);
}

void run_profiles(const Schedule& schedule, const PickContext& context, DecisionScratch& scratch,
                  Decision& decision, DecisionTrace* trace, StepObserver* steps) {
  for (int runs = 0; runs < kMaxRuns; ++runs) {
    const auto next = next_profile(schedule, context, steps);
    if (!next) return;
    CHECK(*next < schedule.profiles.size());
    const Profile& profile = schedule.profiles[*next];
    DecisionTrace::ProfileRun* run = nullptr;
    if (trace != nullptr) {
      run = &trace->runs.emplace_back();
      run->name = profile.name;
    }
    run_profile(context, profile, scratch, decision.results[*next], run, steps);
  }
}

}  // namespace

void decide(const Schedule& schedule, const DecisionInput& input, DecisionScratch& scratch,
            Decision& decision, DecisionTrace* trace, StepObserver* steps) {
  CHECK(schedule.handler != nullptr);
  decision.clear(schedule.profiles.size());
  mark_fresh(input, scratch.fresh);
  RandomStream random(input.request.random);
  const PickContext context(input, scratch.fresh, decision, random);

  Candidates& pool = scratch.pool;
  pool.reset(input.pool->size());
  keep_usable(input, pool);
  if (pool.empty()) {
    return decision.refuse(unavailable("no endpoints available for the given request"), 503,
                           kReasonNoEndpoints);
  }
  for (const Screener* screener : schedule.screeners) {
    const ObservedStep observed(steps, Step::kScreen, screener);
    screener->screen(context, pool);
  }
  if (trace != nullptr) trace->screened = copy_of(pool);
  if (pool.empty()) {
    return decision.refuse(unavailable("no endpoints left after screening"), 503,
                           kReasonNoEndpoints);
  }
  for (const Admitter* admitter : schedule.admitters) {
    const ObservedStep observed(steps, Step::kAdmit, admitter);
    if (Status refused = admitter->admit(context, pool); !refused.ok()) {
      return decision.refuse(refused.with_context("request cannot be admitted"), 500);
    }
  }
  run_profiles(schedule, context, scratch, decision, trace, steps);
  {
    const ObservedStep observed(steps, Step::kFinishProfiles, schedule.handler);
    schedule.handler->finish(context, decision);
  }
  if (!decision.ok()) return;
  CHECK(decision.primary < decision.results.size());
  if (!decision.results[decision.primary].done()) {
    return decision.refuse(
        resource_exhausted("failed to find target endpoint: no endpoints available for the given "
                           "request"),
        429, kReasonSaturated);
  }
  if (input.request.prefer_if_available && !input.prefix.empty() &&
      context.matched_blocks(0, decision.targets().front().position) == 0) {
    return decision.refuse(
        failed_precondition("the prompt is not cached and the request prefers it so"), 412);
  }
  for (const Finisher* finisher : schedule.finishers) {
    const ObservedStep observed(steps, Step::kFinish, finisher);
    finisher->finish(context, decision);
  }
}

}  // namespace nacelle::router
