// extension.h: where API keys, token limits, usage accounting and provider translation join a
// request. The gateway calls; apps/ or gateway/ai/ implement.
//
//   on_request      after the route is known and the body is held; may answer instead
//   on_attempt      for each backend that is tried, on a copy of head and body
//   on_response     the head of the answer that the client will see
//   on_piece        each piece of its body; may replace it
//   on_end          once, when the record is complete
//
// Home:    one connection's loop; one object per request.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/config/model.h"
#include "gateway/observe/exchange_record.h"
#include "gateway/request_inspector.h"
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
};

class RequestExtension {
 public:
  virtual ~RequestExtension() = default;
  // `head` and `body` may be changed; `facts` were read from the body.
  virtual std::optional<LocalReply> on_request(net::http::RequestHead& head, std::string& body,
                                               const RequestFacts& facts, ExchangeRecord& record) {
    (void)head, (void)body, (void)facts, (void)record;
    return std::nullopt;
  }
  // For one attempt at `backend`. The changes are undone before the next attempt.
  virtual std::optional<LocalReply> on_attempt(const BackendConfig& backend,
                                               net::http::RequestHead& head, std::string& body,
                                               ExchangeRecord& record) {
    (void)backend, (void)head, (void)body, (void)record;
    return std::nullopt;
  }
  virtual void on_response(net::http::ResponseHead& head, ExchangeRecord& record) {
    (void)head, (void)record;
  }
  // `last` with an empty piece ends a stream. The view is valid until the next call.
  virtual std::string_view on_piece(std::string_view piece, bool last, ExchangeRecord& record) {
    (void)last, (void)record;
    return piece;
  }
  // True when on_piece() changes lengths: the answer is then sent without Content-Length.
  [[nodiscard]] virtual bool rewrites_body() const { return false; }
  // True when on_attempt() changes the body: a copy is made for it.
  [[nodiscard]] virtual bool rewrites_request() const { return false; }
  virtual void on_end(const ExchangeRecord& record) { (void)record; }
};

// nullptr: nothing to do for requests of this rule.
using ExtensionFactory = std::function<std::unique_ptr<RequestExtension>(const RuleConfig& rule)>;

}  // namespace nacelle::gateway
