// ticket.h: one waiting request. Its owner embeds it; the queues link it and never own it.
//
// Home:    whatever guards the FlowQueues it is in.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/clock.h"
#include "router/flow/flow_config.h"

namespace nacelle::router::flow {

class FlowQueue;

class Ticket {
 public:
  Ticket() = default;
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;
  ~Ticket() { CHECK(flow == nullptr); }  // else a queue points to freed memory

  // Set by the owner before FlowQueues::enqueue.
  std::uint64_t bytes = 0;
  TimePoint received{};  // when the router first saw the request
  Duration slo_ttft{};   // 0: none was asked for
  Duration ttl{};        // 0: the configured one

  [[nodiscard]] bool queued() const { return flow != nullptr; }

  // Kept by the queues.
  FlowQueue* flow = nullptr;
  TimePoint enqueued{};
  TimePoint order_key{};       // smaller goes first in its flow
  std::uint64_t sequence = 0;  // ties: first come, first served
  TimePoint expires{};
  std::uint32_t order_position = 0;
  std::uint32_t expiry_position = 0;
};

// Whether `a` is served before `b`, in one flow or between the heads of flows.
[[nodiscard]] inline bool goes_before(const Ticket& a, const Ticket& b) {
  return a.order_key != b.order_key ? a.order_key < b.order_key : a.sequence < b.sequence;
}

// The instant an ordering policy sorts by. Needs `enqueued`; `ttl` is the one in force.
[[nodiscard]] inline TimePoint order_key(OrderingKind ordering, const Ticket& ticket,
                                         Duration ttl) {
  switch (ordering) {
    case OrderingKind::kFcfs:
      return ticket.enqueued;
    case OrderingKind::kEdf:  // no TTL: no deadline, after all that have one
      return ttl > Duration::zero() ? ticket.enqueued + ttl : TimePoint::max();
    case OrderingKind::kSloDeadline:
      return ticket.slo_ttft > Duration::zero() ? ticket.received + ticket.slo_ttft
                                                : TimePoint::max();
  }
  return ticket.enqueued;
}

struct OrderTraits {
  static bool before(const Ticket& a, const Ticket& b) { return goes_before(a, b); }
  static std::uint32_t& position(Ticket& ticket) { return ticket.order_position; }
};

struct ExpiryTraits {
  static bool before(const Ticket& a, const Ticket& b) {
    return a.expires != b.expires ? a.expires < b.expires : a.sequence < b.sequence;
  }
  static std::uint32_t& position(Ticket& ticket) { return ticket.expiry_position; }
};

}  // namespace nacelle::router::flow
