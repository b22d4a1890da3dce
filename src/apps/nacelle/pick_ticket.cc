#include "apps/nacelle/pick_ticket.h"

#include <algorithm>
#include <random>
#include <utility>

#include "router/objective/resolve.h"
#include "router/prefix_hash.h"
#include "router/request_body.h"

namespace nacelle::apps {
namespace {

using gateway::PickRefusal;
using gateway::PickRequest;

std::uint64_t next_random() {
  thread_local std::mt19937_64 generator{std::random_device{}()};
  return generator();
}

PickRefusal refusal_of(const router::flow::Refusal& why) {
  return {why.http_status(), why.message, std::string(why.reason_header())};
}

Status refuse(const PickRequest& request, PickRefusal refusal, Status status) {
  if (request.refusal != nullptr) *request.refusal = std::move(refusal);
  return status;
}

// Priority and model. A client does not choose another model by a header here: what keys and limits
// know of the request is the model in its body.
Status resolve(const TicketOffice& office, const PickRequest& request,
               router::objective::RequestFacts facts, Ticket& ticket) {
  if (office.objectives == nullptr) return {};
  const auto table = office.objectives->get();
  ticket.priority = table->priority_of(facts.objective);
  if (request.model.empty()) return {};
  facts.model_rewrite = {};
  auto model = router::objective::resolve_model(*table, request.model, facts, next_random());
  if (!model) return model.error();
  if (model->target != request.model) ticket.target = std::move(model->target);
  return {};
}

// A departing client gives its place in the queue back at once.
class LeaveWithClient {
 public:
  LeaveWithClient(net::http::ServerExchange& exchange, router::flow::AdmitCancel& cancel)
      : exchange_(exchange) {
    exchange_.on_client_gone([&cancel] { cancel.cancel(); });
  }
  ~LeaveWithClient() { exchange_.on_client_gone({}); }
  LeaveWithClient(const LeaveWithClient&) = delete;
  LeaveWithClient& operator=(const LeaveWithClient&) = delete;

 private:
  net::http::ServerExchange& exchange_;
};

async::Task<Status> admit(const TicketOffice& office, const PickRequest& request,
                          const router::objective::RequestFacts& facts, Ticket& ticket,
                          net::http::ServerExchange& exchange) {
  router::flow::FlowRequest flow;
  flow.fairness_id = router::objective::fairness_id_of(facts, office.use_agent_session);
  flow.priority = ticket.priority;
  flow.bytes = request.body.size();
  flow.prompt_tokens = router::estimated_tokens(request.prompt);
  flow.received = request.received;
  flow.slo_ttft = facts.slo_ttft;
  if (request.deadline != TimePoint::max()) {
    const Duration left = request.deadline - std::chrono::steady_clock::now();
    if (office.default_ttl == Duration::zero() || left < office.default_ttl)
      flow.ttl = std::max<Duration>(left, 1ms);
  }
  flow.model = request.model;
  flow.target_model = ticket.target.empty() ? request.model : std::string_view(ticket.target);
  flow.on_evicted = [own = &ticket](const router::flow::Refusal& why) { own->evict(why); };
  router::flow::AdmitCancel cancel;
  const LeaveWithClient leave(exchange, cancel);
  router::flow::AdmitResult result = co_await office.flow->admit(std::move(flow), &cancel);
  if (result.admitted()) {
    ticket.admission = std::move(result.admission);
    co_return Status();
  }
  Status status = exchange.client_gone() ? cancelled("the client left the queue")
                                         : resource_exhausted("{}", result.refusal.message);
  co_return refuse(request, refusal_of(result.refusal), std::move(status));
}

std::optional<router::PromptKind> kind_of(std::string_view path) {
  switch (router::api_of(path)) {
    case router::Api::kChat:
      return router::PromptKind::kChat;
    case router::Api::kCompletions:
      return router::PromptKind::kCompletion;
    default:
      return std::nullopt;
  }
}

}  // namespace

void Ticket::on_evicted(std::function<void(const PickRefusal&)> evicted) {
  evicted_ = std::move(evicted);
  if (evicted_ && eviction_) std::exchange(evicted_, {})(*eviction_);
}

void Ticket::evict(const router::flow::Refusal& why) {
  eviction_ = refusal_of(why);
  if (evicted_) std::exchange(evicted_, {})(*eviction_);
}

std::vector<router::HeaderView> header_views(const net::http::Headers* headers) {
  std::vector<router::HeaderView> out;
  if (headers == nullptr) return out;
  out.reserve(headers->size());
  for (const auto& field : *headers) out.push_back({field.name, field.value});
  return out;
}

async::Task<Result<std::unique_ptr<gateway::PickTicket>>> take_ticket(
    const TicketOffice& office, PickRequest request, net::http::ServerExchange& exchange) {
  auto ticket = std::make_unique<Ticket>();
  const auto headers = header_views(request.headers);
  const auto facts = router::objective::request_facts_from_headers(headers);
  if (Status resolved = resolve(office, request, facts, *ticket); !resolved.ok()) {
    PickRefusal bad{400, resolved.message(), ""};
    co_return refuse(request, std::move(bad), std::move(resolved));
  }
  if (office.flow != nullptr) {
    Status admitted = co_await admit(office, request, facts, *ticket, exchange);
    if (!admitted.ok()) co_return admitted;
  }
  const auto kind = kind_of(request.path);
  if (office.precise != nullptr && kind && !request.body.empty()) {
    ticket->tokens = co_await router::PrecisePrefix::blocks_of(
        office.precise, *kind, request.body,
        ticket->target.empty() ? request.model : std::string_view(ticket->target));
  }
  co_return std::unique_ptr<gateway::PickTicket>(std::move(ticket));
}

}  // namespace nacelle::apps
