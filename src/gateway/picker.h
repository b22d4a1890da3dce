// picker.h: how the gateway asks where a request goes. apps/ passes the router in; clusters of
// plain services have a picker of the gateway's own (upstream/cluster_picker.h).
//
//   ticket    what a request waits for before its first pick, where the picker has such a thing:
//             room in the pool, the tokens of its prompt. Held until the request ended.
//   pick      an endpoint for one attempt.
//
// Home:    all on the request's network loop; pick() on any. A PickedEndpoint and a PickTicket stay
//          on the loop that got them.
// Errors:  unavailable when no endpoint is left to try; PickRequest::refusal says more.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "async/task.h"
#include "base/clock.h"
#include "base/result.h"
#include "net/http/headers.h"
#include "net/http/server_exchange.h"

namespace nacelle::gateway {

struct ClusterConfig;  // config/model.h

// What a client is told that gets no endpoint. Status 0: the gateway has its own words.
struct PickRefusal {
  int status = 0;
  std::string message;
  std::string reason;  // value of kDroppedReasonHeader; "" = none
};

inline constexpr std::string_view kDroppedReasonHeader = "x-llm-d-request-dropped-reason";

class PickTicket {
 public:
  virtual ~PickTicket() = default;
  // What the engine is asked for instead of the client's model; "" = the client's own.
  [[nodiscard]] virtual std::string_view target_model() const { return {}; }
  // `evicted` is called at most once, when the request must give way to others. Empty: nobody
  // listens any more.
  virtual void on_evicted(std::function<void(const PickRefusal&)> evicted) { (void)evicted; }
};

struct PickRequest {
  std::string_view model;  // "" when the body names none
  std::string_view cache_salt;
  std::string_view prompt;  // the prompt or the messages as they are in the body
  // What the client sent, before anything was dropped: objective, fairness id, session, SLO.
  const net::http::Headers* headers = nullptr;
  std::string_view path;
  std::string_view body;     // as the client sent it; "" when it passes through unread
  std::string_view session;  // session_of() of the endpoint that served this session; "" = none
  std::uint64_t hash = 0;    // of what a ring is keyed by
  std::uint64_t max_output_tokens = 0;  // the client's cap; 0 = none
  TimePoint received{};                 // zero: now
  TimePoint deadline = TimePoint::max();
  PickTicket* ticket = nullptr;    // of this picker, where it has tickets
  PickRefusal* refusal = nullptr;  // filled in where there is one
};

// A request's place on an endpoint. Destruction gives the place back.
class PickedEndpoint {
 public:
  virtual ~PickedEndpoint() = default;
  [[nodiscard]] virtual const std::string& address() const = 0;  // host:port
  // What was decided of the request as this endpoint gets it, and of its answer to the client.
  virtual void edit_request(net::http::Headers& headers) const { (void)headers; }
  virtual void edit_answer(net::http::Headers& headers) const { (void)headers; }
  // The endpoint sent its first byte of the body.
  virtual void on_first_byte() = 0;
  // Each piece of its body, the first one too, after on_first_byte().
  virtual void on_piece(std::string_view piece) { (void)piece; }
  // The answer came to its end.
  virtual void on_complete() {}
  // It could not be reached, or broke off: do not choose it until it answers again.
  virtual void on_failure() = 0;
  // Its answer's status.
  virtual void on_status(int status) { (void)status; }
};

class EndpointPicker {
 public:
  virtual ~EndpointPicker() = default;
  // Requests have something to wait for before they are picked for the first time.
  [[nodiscard]] virtual bool has_tickets() const { return false; }
  // Waits for it. An error is a refusal; cancelled: the client left. What `request` refers to
  // outlives the task.
  [[nodiscard]] virtual async::Task<Result<std::unique_ptr<PickTicket>>> wait_for_ticket(
      PickRequest request, net::http::ServerExchange& exchange);
  // `tried` holds the addresses that already failed for this request.
  [[nodiscard]] virtual Result<std::unique_ptr<PickedEndpoint>> pick(
      const PickRequest& request, std::span<const std::string> tried) = 0;
  // Takes the cluster's endpoints in the place of its own and keeps what it knows of those that
  // stay. False: a new picker is needed. Any thread.
  [[nodiscard]] virtual bool replace_endpoints(const ClusterConfig& cluster) {
    (void)cluster;
    return false;
  }
  // At least one endpoint is believed to serve.
  [[nodiscard]] virtual bool any_serving() const = 0;
  // The pool as JSON for people: address, state, load, gauges.
  [[nodiscard]] virtual std::string describe() const = 0;
};

// What a client keeps to come back to an endpoint: says nothing of its address.
[[nodiscard]] std::string session_of(std::string_view address);

}  // namespace nacelle::gateway
