#include "router/flow/core/band.h"

#include "base/check.h"

namespace nacelle::router::flow {

FlowQueue* Band::find(std::string_view fairness_id) const {
  const auto found = flows_.find(fairness_id);
  return found == flows_.end() ? nullptr : found->second.get();
}

FlowQueue& Band::add_flow(std::string_view fairness_id) {
  auto flow = std::make_unique<FlowQueue>(std::string(fairness_id), *this);
  return *flows_.emplace(std::string(fairness_id), std::move(flow)).first->second;
}

void Band::remove_flow(FlowQueue& flow) {
  CHECK(flow.empty());
  flows_.erase(flows_.find(flow.fairness_id()));
}

void Band::push(FlowQueue& flow, Ticket& ticket, TimePoint now) {
  const bool first = flow.empty();
  flow.push(ticket);
  ++requests_;
  bytes_ += ticket.bytes;
  if (first) {
    fairness_->added(flow, now);
  } else if (&flow.head() == &ticket) {
    fairness_->head_changed(flow);
  }
}

void Band::remove(Ticket& ticket, TimePoint now) {
  FlowQueue& flow = *ticket.flow;
  const bool was_head = &flow.head() == &ticket;
  flow.remove(ticket);
  --requests_;
  bytes_ -= ticket.bytes;
  if (flow.empty()) {
    fairness_->removed(flow);
  } else if (was_head) {
    fairness_->head_changed(flow);
  }
  if (requests_ == 0) empty_since_ = now;
}

}  // namespace nacelle::router::flow
