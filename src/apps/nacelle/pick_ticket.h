// pick_ticket.h: what a request of the gateway brings to the router's pick: its place in flow
// control, its priority and model, the tokens of its prompt.
//
// Home:    the request's loop.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "gateway/picker.h"
#include "net/http/server_exchange.h"
#include "router/flow/flow_controller.h"
#include "router/objective/objective_table.h"
#include "router/precise_prefix.h"
#include "router/request_terms.h"

namespace nacelle::apps {

// What the tickets of one pool are made from. Null parts do not exist.
struct TicketOffice {
  router::flow::FlowController* flow = nullptr;
  const router::objective::ObjectiveStore* objectives = nullptr;
  std::shared_ptr<router::PrecisePrefix> precise;
  bool use_agent_session = false;
  Duration default_ttl{};  // of flow control; 0: only the client's patience counts

  [[nodiscard]] bool open() const {
    return flow != nullptr || objectives != nullptr || precise != nullptr;
  }
};

class Ticket final : public gateway::PickTicket {
 public:
  [[nodiscard]] std::string_view target_model() const override { return target; }
  void on_evicted(std::function<void(const gateway::PickRefusal&)> evicted) override;
  void evict(const router::flow::Refusal& why);

  router::flow::Admission admission;
  std::optional<router::PromptBlocks> tokens;
  std::string target;  // of a model rewrite; "" = the client's model
  int priority = 0;

 private:
  std::function<void(const gateway::PickRefusal&)> evicted_;
  std::optional<gateway::PickRefusal> eviction_;  // before anybody listened
};

// The fields of a request as the router reads them.
[[nodiscard]] std::vector<router::HeaderView> header_views(const net::http::Headers* headers);

// `office` outlives the task.
[[nodiscard]] async::Task<Result<std::unique_ptr<gateway::PickTicket>>> take_ticket(
    const TicketOffice& office, gateway::PickRequest request, net::http::ServerExchange& exchange);

}  // namespace nacelle::apps
