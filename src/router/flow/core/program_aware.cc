#include "router/flow/core/program_aware.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace nacelle::router::flow {

namespace {

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  [[nodiscard]] double norm(double value) const {
    return high > low ? (value - low) / (high - low) : 0;
  }
};

}  // namespace

double ProgramAware::decayed(const Program& program, TimePoint now) const {
  const double age = to_seconds(now - program.updated);
  const double half_life = to_seconds(config_.half_life);
  if (age <= 0 || half_life <= 0 || program.attained == 0) return program.attained;
  return program.attained * std::exp2(-age / half_life);
}

Program& ProgramAware::program_of(std::string_view fairness_id, TimePoint now) {
  auto found = programs_.find(fairness_id);
  if (found == programs_.end()) {
    for (Duration age = config_.eviction_ttl;
         programs_.size() >= kMaxPrograms && age > std::chrono::milliseconds(1); age /= 2) {
      forget_older_than(age, now);
    }
    if (programs_.size() >= kMaxPrograms) forget_older_than(-Duration(1), now);
    found = programs_.emplace(std::string(fairness_id), Program{}).first;
    found->second.updated = now;
  }
  found->second.touched = now;
  return found->second;
}

void ProgramAware::added(FlowQueue& flow, TimePoint now) {
  Program& program = program_of(flow.fairness_id(), now);
  program.waiting = true;
  flow.program = &program;
  flow.active_position = static_cast<std::uint32_t>(waiting_.size());
  waiting_.push_back(&flow);
}

void ProgramAware::removed(FlowQueue& flow) {
  flow.program->waiting = false;
  flow.program = nullptr;
  FlowQueue* last = waiting_.back();
  waiting_.pop_back();
  if (last == &flow) return;
  waiting_[flow.active_position] = last;
  last->active_position = flow.active_position;
}

FlowQueue& ProgramAware::pick(TimePoint now) {
  CHECK(!waiting_.empty());
  Range attained;
  Range wait;
  attained_.clear();
  for (const FlowQueue* flow : waiting_) {
    attained_.push_back(decayed(*flow->program, now));
    attained.add(attained_.back());
    wait.add(to_seconds(now - flow->head().enqueued));
  }
  FlowQueue* best = nullptr;
  double best_score = 0;
  for (std::size_t i = 0; i < waiting_.size(); ++i) {
    FlowQueue* flow = waiting_[i];
    const double score =
        config_.weight_service * (1 - attained.norm(attained_[i])) +
        config_.weight_head_wait * wait.norm(to_seconds(now - flow->head().enqueued));
    if (best == nullptr || score > best_score ||
        (score == best_score && goes_before(flow->head(), best->head()))) {
      best = flow;
      best_score = score;
    }
  }
  best->program->wait_seconds += to_seconds(now - best->head().enqueued);
  best->program->dispatched += 1;
  return *best;
}

void ProgramAware::served(std::string_view fairness_id, std::uint64_t prompt_tokens,
                          std::uint64_t completion_tokens, TimePoint now) {
  Program& program = program_of(fairness_id, now);
  program.attained = decayed(program, now) + static_cast<double>(prompt_tokens) +
                     2 * static_cast<double>(completion_tokens);
  program.updated = now;
}

void ProgramAware::forget_older_than(Duration age, TimePoint now) {
  std::erase_if(programs_, [&](const auto& entry) {
    return !entry.second.waiting && now - entry.second.touched > age;
  });
}

void ProgramAware::sweep(TimePoint now) {
  if (now - last_sweep_ < config_.eviction_sweep) return;
  last_sweep_ = now;
  forget_older_than(config_.eviction_ttl, now);
}

std::vector<ProgramStats> ProgramAware::programs(TimePoint now) const {
  std::vector<ProgramStats> out;
  out.reserve(programs_.size());
  for (const auto& [id, program] : programs_) {
    const double n = static_cast<double>(std::max<std::uint64_t>(program.dispatched, 1));
    out.push_back({id, decayed(program, now), program.wait_seconds / n});
  }
  return out;
}

}  // namespace nacelle::router::flow
