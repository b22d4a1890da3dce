// extension.h: where API keys, token limits, usage accounting and provider translation join a
// request. The gateway calls; gateway/ai/ implements.
//
//   begin           by method and path, before anything else; nullptr: nothing to do
//   on_head         before the body is read; may answer instead
//   on_body         the body is held, no route is chosen yet; may say by which model to route
//   on_route        the rule is known; may answer instead
//   next_attempt    which backend is next, where the extension chooses
//   on_attempt      for each backend that is tried, on a copy of head and body
//   on_failed       an attempt came to nothing
//   on_response     the head of the answer that the client will see
//   on_resume       the stream goes on from another endpoint of the same backend
//   on_piece        each piece of its body; may replace it
//   on_end          once, when the answer has ended
//
// Home:    an Extension belongs to one configuration and is shared by all loops; a RequestExtension
//          lives on its connection's loop, one per request, no longer than the configuration.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gateway/config/model.h"
#include "gateway/observe/exchange_record.h"
#include "gateway/request_inspector.h"
#include "gateway/upstream/retry.h"
#include "net/http/message.h"

namespace nacelle::gateway {

// An answer that the gateway makes itself.
struct LocalReply {
  int status = 500;
  std::string message;           // goes into an error object in the client's dialect
  std::string_view flags = "-";  // literals
  std::string_view details = "-";
  net::http::Headers headers;
  std::string body;  // sent as it is instead of an error object, when there is one
  // Of on_attempt(): the attempt failed as if the backend had answered so; another may be tried.
  bool is_outcome = false;
};

// How an attempt came to nothing.
struct FailedAttempt {
  std::uint32_t backend = 0;  // index in the rule
  Failure failure = Failure::kConnect;
  int status = 0;  // of kStatus
  std::optional<Duration> retry_after;
  std::string_view body;  // of kStatus, as the backend sent it
  TimePoint ended;
};

struct NextAttempt {
  std::uint32_t backend = 0;  // index in the rule
  TimePoint not_before;
};

// What becomes of an answer's body.
enum class AnswerPlan : std::uint8_t {
  kWatched,    // it passes; on_piece() sees it
  kRewritten,  // each piece is replaced as it comes
  kHeld,       // on_piece() gets it as one, and its result is sent as one
};

class RequestExtension {
 public:
  virtual ~RequestExtension() = default;
  virtual std::optional<LocalReply> on_head(const net::http::RequestHead& head,
                                            ExchangeRecord& record) {
    (void)head, (void)record;
    return std::nullopt;
  }
  // Routes match on what `facts.model` is afterwards.
  virtual std::optional<LocalReply> on_body(RequestFacts& facts, ExchangeRecord& record) {
    (void)facts, (void)record;
    return std::nullopt;
  }
  virtual std::optional<LocalReply> on_route(const net::http::RequestHead& head,
                                             const RuleConfig& rule, ExchangeRecord& record) {
    (void)head, (void)rule, (void)record;
    return std::nullopt;
  }
  // True: next_attempt() decides which backends are asked, how often and when, and the rule's own
  // retries say nothing.
  [[nodiscard]] virtual bool chooses_backends() const { return false; }
  // `serving[i]` is true when backend i has an endpoint that is believed to serve. nullopt: the
  // client gets the last outcome.
  virtual std::optional<NextAttempt> next_attempt(const std::vector<bool>& serving, TimePoint now,
                                                  double random) {
    (void)serving, (void)now, (void)random;
    return std::nullopt;
  }
  // For one attempt at `backend`. The changes are undone before the next attempt.
  virtual std::optional<LocalReply> on_attempt(const BackendConfig& backend,
                                               net::http::RequestHead& head, std::string& body,
                                               ExchangeRecord& record) {
    (void)backend, (void)head, (void)body, (void)record;
    return std::nullopt;
  }
  // True: an answer with this status is read whole, and on_failed() judges it.
  [[nodiscard]] virtual bool may_move_on(int status) const {
    (void)status;
    return false;
  }
  virtual void on_failed(const FailedAttempt& attempt) { (void)attempt; }
  virtual AnswerPlan on_response(net::http::ResponseHead& head, ExchangeRecord& record) {
    (void)head, (void)record;
    return AnswerPlan::kWatched;
  }
  // `last` with an empty piece ends a stream. The view is valid until the next call. An error ends
  // the answer as a broken one.
  virtual Result<std::string_view> on_piece(std::string_view piece, bool last,
                                            ExchangeRecord& record) {
    (void)last, (void)record;
    return piece;
  }
  // A stream goes on from another endpoint: `head` is made anew, `body` is what on_attempt() left
  // with the engine's resumption added. Does to the head what on_attempt() did and keeps the state
  // of the answer: on_piece() gets each event once. An error ends the stream as a broken one.
  virtual Status on_resume(net::http::RequestHead& head, const std::string& body,
                           ExchangeRecord& record) {
    (void)head, (void)body, (void)record;
    return {};
  }
  // True when on_attempt() changes the body: a copy is made for it.
  [[nodiscard]] virtual bool rewrites_request() const { return false; }
  // The record may be completed: metrics, log and span are made of it afterwards.
  virtual void on_end(ExchangeRecord& record) { (void)record; }
};

class Extension {
 public:
  virtual ~Extension() = default;
  // `path` is normalised. nullptr: nothing to do for this request.
  [[nodiscard]] virtual std::unique_ptr<RequestExtension> begin(const net::http::RequestHead& head,
                                                                std::string_view path) const = 0;
};

}  // namespace nacelle::gateway
