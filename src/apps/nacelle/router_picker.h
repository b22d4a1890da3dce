// router_picker.h: the gateway's EndpointPicker over the router: what a request says is read here,
// picks happen there.
//
// Home:    on any network loop.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "apps/nacelle/answer_tally.h"
#include "apps/nacelle/pick_ticket.h"
#include "apps/nacelle/wake_room.h"
#include "gateway/picker.h"
#include "router/router.h"
#include "router/signals/endpoint_pool.h"

namespace nacelle::apps {

class RouterPicker final : public gateway::EndpointPicker {
 public:
  // All outlive the picker, as do the parts of `office`.
  RouterPicker(router::Router& router, router::EndpointPool& pool) : router_(router), pool_(pool) {}
  // Before the first request.
  void set_office(TicketOffice office) { office_ = std::move(office); }
  // Where requests wait while there is no endpoint; null: they are refused. Outlives the picker.
  void set_wake_room(WakeRoom* room) { wake_room_ = room; }

  [[nodiscard]] bool has_tickets() const override {
    return office_.open() || (wake_room_ != nullptr && wake_room_->asleep());
  }
  [[nodiscard]] async::Task<Result<std::unique_ptr<gateway::PickTicket>>> wait_for_ticket(
      gateway::PickRequest request, net::http::ServerExchange& exchange) override;
  [[nodiscard]] Result<std::unique_ptr<gateway::PickedEndpoint>> pick(
      const gateway::PickRequest& request, std::span<const std::string> tried) override;
  [[nodiscard]] bool replace_endpoints(const gateway::ClusterConfig& cluster) override;
  // When a request came last; zero: never. Any thread.
  [[nodiscard]] TimePoint last_request() const {
    return TimePoint(Duration(last_request_.load(std::memory_order_relaxed)));
  }
  // What its endpoints answered so far. Any thread.
  [[nodiscard]] AnswerTally::Counts answers() const { return tally_.counts(); }
  [[nodiscard]] bool any_serving() const override { return pool_.any_serving(); }
  [[nodiscard]] std::string describe() const override { return pool_.describe(); }

 private:
  void note_request(TimePoint when) {
    last_request_.store(when.time_since_epoch().count(), std::memory_order_relaxed);
  }

  router::Router& router_;
  router::EndpointPool& pool_;
  TicketOffice office_;
  WakeRoom* wake_room_ = nullptr;
  std::atomic<Duration::rep> last_request_{0};
  AnswerTally tally_;
};

}  // namespace nacelle::apps
