// ticket.cc: what a request waits for before its first pick.
#include <nlohmann/json.hpp>

#include "gateway/forward/local_reply.h"
#include "gateway/forwarder.h"
#include "provider/body_mutation.h"

namespace nacelle::gateway {

async::Task<bool> Forwarder::take_ticket(Request& request, Cluster& cluster) {
  request.ticket.reset();
  request.ticket_of = nullptr;
  request.retargeted_body.clear();
  request.retargeted_model.clear();
  request.refusal = {};
  const PickRequest wanted = pick_request(request, cluster);
  auto ticket = co_await cluster.picker->wait_for_ticket(wanted, request.exchange);
  if (!ticket) {
    if (request.refusal.status == 0) request.refusal = {503, ticket.error().message(), ""};
    request.last_failure = ticket.error().message();
    co_return false;
  }
  request.ticket = std::move(*ticket);
  if (const std::string_view target = request.ticket->target_model(); !target.empty()) {
    auto body = provider::mutate_body(
        request.body, {.set = {{"model", nlohmann::json(target).dump()}}, .remove = {}});
    if (!body) {
      request.ticket.reset();
      request.refusal = {400, body.error().message(), ""};
      co_return false;
    }
    request.retargeted_body = std::move(*body);
    request.record.upstream_model = request.retargeted_model = target;
  }
  request.ticket_of = &cluster;
  co_return true;
}

LocalReply Forwarder::refusal_reply(Request& request) {
  LocalReply answer;
  answer.status = request.refusal.status;
  answer.message = request.refusal.message;
  answer.flags = answer.status == 429 ? "RL" : "UH";
  answer.details = "request_dropped";
  if (!request.refusal.reason.empty())
    answer.headers.add(kDroppedReasonHeader, request.refusal.reason);
  request.record.failure = request.refusal.message;
  return answer;
}

async::Task<void> Forwarder::reply_refused(Request& request) {
  LocalReply answer = refusal_reply(request);
  co_await reply(request, answer);
}

}  // namespace nacelle::gateway
