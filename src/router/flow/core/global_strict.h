// global_strict.h: the best head of all flows by the band's order, as if the band were one queue.
//
// Promises no fairness between flows: one that floods the band delays the others. O(log flows).
//
// Home:    see fairness_policy.h.
#pragma once

#include "router/flow/core/fairness_policy.h"
#include "router/flow/core/indexed_heap.h"

namespace nacelle::router::flow {

class GlobalStrict final : public FairnessPolicy {
 public:
  void added(FlowQueue& flow, TimePoint) override { heads_.push(flow); }
  void removed(FlowQueue& flow) override { heads_.remove(flow); }
  void head_changed(FlowQueue& flow) override { heads_.update(flow); }
  FlowQueue& pick(TimePoint) override { return heads_.top(); }

 private:
  // A flow that is being emptied is removed by its place alone, so its head is never compared then.
  struct HeadTraits {
    static bool before(const FlowQueue& a, const FlowQueue& b) {
      return goes_before(a.head(), b.head());
    }
    static std::uint32_t& position(FlowQueue& flow) { return flow.active_position; }
  };

  IndexedHeap<FlowQueue, HeadTraits> heads_;
};

}  // namespace nacelle::router::flow
