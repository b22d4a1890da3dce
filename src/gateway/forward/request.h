// request.h: one client request on its way, over all attempts.
//
// Home:    the connection's loop; lives in the coroutine that serves the request.
#pragma once

#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/byte_budget.h"
#include "gateway/observe/exchange_record.h"
#include "gateway/request_inspector.h"
#include "gateway/snapshot.h"
#include "gateway/upstream/retry.h"
#include "net/http/server_exchange.h"
#include "provider/model_restorer.h"

namespace nacelle::gateway {

struct Request {
  Request(net::http::ServerExchange& e, SnapshotPtr s) : exchange(e), snapshot(std::move(s)) {}
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  net::http::ServerExchange& exchange;
  const SnapshotPtr snapshot;
  std::uint16_t port_number = 0;
  bool tls = false;

  std::string path;  // normalised
  std::string_view query;
  const RuleRuntime* rule = nullptr;
  const RouteEntry* entry = nullptr;
  std::unique_ptr<RequestExtension> extension;

  std::string body;
  bool body_held = false;
  bool body_taken = false;  // a streamed body was begun: no further attempt
  RequestFacts facts;
  ByteBudget::Share share;

  // Over the attempts.
  std::size_t level = 0;  // index into rule->levels
  std::uint32_t attempts_in_level = 0;
  std::uint32_t retries = 0;
  std::vector<std::string> tried;
  std::string session;  // that the client brought
  Breaker::Place retry_place;
  bool over_retry_budget = false;  // a retry was wanted and the cluster had none left
  // Of the cluster that it was got from; ends after the endpoint's place was given back.
  std::unique_ptr<PickTicket> ticket;
  const Cluster* ticket_of = nullptr;
  std::string retargeted_body;   // asks for the ticket's model; "" = as the client sent it
  std::string retargeted_model;  // that model
  // Of the attempt in hand: puts the name that the client asked for back into the answer.
  std::optional<provider::ModelRestorer> restorer;
  std::string restored;  // the last piece of it
  bool restored_all = false;
  PickRefusal refusal;                    // of the last pick
  TimePoint deadline = TimePoint::max();  // of all attempts
  Failure failure = Failure::kConnect;    // of the last attempt
  int failed_status = 0;
  std::string last_failure;
  std::optional<Duration> retry_after;
  // The last answer that was to be tried again; given when nobody gives a better one.
  std::optional<net::http::ResponseHead> held_head;
  std::string held_answer;
  std::string_view held_details = "via_upstream";  // a literal

  ExchangeRecord record;

  [[nodiscard]] const std::string& outgoing_body() const {
    return retargeted_body.empty() ? body : retargeted_body;
  }
};

// Tells the extension, if there is one, how an attempt came to nothing.
inline void tell_failure(Request& request, const BackendConfig& backend, Failure failure,
                         int status, std::string_view body) {
  if (!request.extension) return;
  FailedAttempt failed;
  failed.backend = static_cast<std::uint32_t>(&backend - request.rule->config->backends.data());
  failed.failure = failure;
  failed.status = status;
  failed.retry_after = request.retry_after;
  failed.body = body;
  failed.ended = std::chrono::steady_clock::now();
  request.extension->on_failed(failed);
}

}  // namespace nacelle::gateway
