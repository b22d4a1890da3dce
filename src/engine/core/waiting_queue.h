// waiting_queue.h: who is admitted next.
//
// Order: (priority, arrival, id) ascending. Under FCFS the first two count as equal, so that the
// order of submission decides; a preempted sequence is older than all that still wait for their
// first step, which puts it at the head.
//
// Home:    the engine loop. Not thread-safe.
// Cost:    O(log waiting) per operation.
// Source:  engine.md section 22.
#pragma once

#include <compare>
#include <cstdint>
#include <set>

#include "engine/core/options.h"
#include "engine/core/sequence.h"

namespace nacelle::engine {

// Compares sequences by urgency: the smallest runs first, the largest is preempted first.
struct Urgency {
  std::int64_t priority = 0;
  TimePoint arrival{};
  SequenceId id;
  friend auto operator<=>(const Urgency&, const Urgency&) = default;
};

[[nodiscard]] inline Urgency urgency_of(const Sequence& sequence, SchedulingPolicy policy) {
  if (policy == SchedulingPolicy::kFcfs) return {0, {}, sequence.id};
  return {sequence.priority, sequence.arrival, sequence.id};
}

class WaitingQueue {
 public:
  explicit WaitingQueue(SchedulingPolicy policy) : policy_(policy) {}

  void push(const Sequence& sequence) { order_.insert(urgency_of(sequence, policy_)); }
  void erase(const Sequence& sequence) { order_.erase(urgency_of(sequence, policy_)); }

  // Of a queue that is not empty.
  [[nodiscard]] SequenceId front() const { return order_.begin()->id; }
  [[nodiscard]] bool empty() const { return order_.empty(); }
  [[nodiscard]] std::size_t size() const { return order_.size(); }

 private:
  SchedulingPolicy policy_;
  std::set<Urgency> order_;
};

}  // namespace nacelle::engine
