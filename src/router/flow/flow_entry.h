// flow_entry.h: everything about one request from admit() to the end of its Admission.
//
// Home:    the loop that admits; members marked (lock) belong to the controller's lock, and are
//          read on the loop only after the decision was delivered to it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "async/loop.h"
#include "async/waiter.h"
#include "router/flow/core/in_flight_set.h"
#include "router/flow/core/ticket.h"
#include "router/flow/flow_controller.h"

namespace nacelle::router::flow {

struct Admission::Entry final : Ticket, InFlight, std::enable_shared_from_this<Entry> {
  explicit Entry(async::Loop& home) : loop(&home) {}

  async::Loop* loop;
  async::Waiter waiter;
  bool ended = false;  // the Admission is gone: nobody is told of an eviction
  std::function<void(const Refusal&)> on_evicted;
  std::string fairness_id;
  std::uint64_t prompt_tokens_used = 0;
  std::uint64_t completion_tokens_used = 0;

  bool decided = false;  // (lock), as all below
  Outcome outcome = Outcome::kEvictedOther;
  std::string message;
  TimePoint decided_at{};
};

}  // namespace nacelle::router::flow
