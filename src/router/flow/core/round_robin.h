// round_robin.h: one request of each waiting flow in turn, flows sorted by fairness id.
//
// Promises that between two dispatches of a flow every other flow that waits all the time is
// served exactly once, except flows that come in between. O(log flows).
//
// Home:    see fairness_policy.h.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "router/flow/core/fairness_policy.h"

namespace nacelle::router::flow {

class RoundRobin final : public FairnessPolicy {
 public:
  void added(FlowQueue& flow, TimePoint) override { waiting_.emplace(flow.fairness_id(), &flow); }
  void removed(FlowQueue& flow) override { waiting_.erase(flow.fairness_id()); }
  void head_changed(FlowQueue&) override {}

  FlowQueue& pick(TimePoint) override {
    auto next = started_ ? waiting_.upper_bound(last_) : waiting_.begin();
    if (next == waiting_.end()) next = waiting_.begin();
    started_ = true;
    last_ = next->first;
    return *next->second;
  }

 private:
  std::map<std::string_view, FlowQueue*> waiting_;  // keys live in their flows
  std::string last_;                                // served last; its flow may be gone
  bool started_ = false;
};

}  // namespace nacelle::router::flow
