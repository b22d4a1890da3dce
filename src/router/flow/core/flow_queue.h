// flow_queue.h: the waiting requests of one (fairness id, priority), in the band's order.
//
// Home:    whatever guards the FlowQueues it is in.
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <utility>

#include "base/clock.h"
#include "router/flow/core/indexed_heap.h"
#include "router/flow/core/ticket.h"

namespace nacelle::router::flow {

class Band;
struct Program;  // of program_aware.h

class FlowQueue {
 public:
  FlowQueue(std::string fairness_id, Band& band)
      : fairness_id_(std::move(fairness_id)), band_(&band) {}
  FlowQueue(const FlowQueue&) = delete;
  FlowQueue& operator=(const FlowQueue&) = delete;

  [[nodiscard]] const std::string& fairness_id() const { return fairness_id_; }
  [[nodiscard]] Band& band() const { return *band_; }
  [[nodiscard]] bool empty() const { return order_.empty(); }
  [[nodiscard]] std::size_t size() const { return order_.size(); }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] Ticket& head() const { return order_.top(); }

  void push(Ticket& ticket) {
    ticket.flow = this;
    bytes_ += ticket.bytes;
    order_.push(ticket);
  }
  void remove(Ticket& ticket) {
    order_.remove(ticket);
    bytes_ -= ticket.bytes;
    ticket.flow = nullptr;
  }

  // Kept by the band's fairness policy while the queue is not empty.
  std::uint32_t active_position = 0;
  Program* program = nullptr;
  // Kept by FlowQueues while the queue is empty.
  TimePoint idle_since{};
  std::list<FlowQueue*>::iterator idle_place{};

 private:
  std::string fairness_id_;
  Band* band_;
  IndexedHeap<Ticket, OrderTraits> order_;
  std::uint64_t bytes_ = 0;
};

}  // namespace nacelle::router::flow
