// transport.h: how a request reaches an API server, and all that a client needs to know of it.
//
// kube/http_transport.h speaks HTTPS to any API server; kube/local_transport.h calls a handler of
// this process. A client, an informer and a controller cannot tell which one is below them.
//
// Home:    the transport's loop.
// Errors:  send(): unavailable, deadline_exceeded, unauthenticated (no credential could be had),
//          cancelled (the surrounding task was). What an API server refuses is no error here: it is
//          an answer with its status.
#pragma once

#include <memory>
#include <string>

#include "async/loop.h"
#include "async/task.h"
#include "base/clock.h"
#include "base/result.h"
#include "net/http/message.h"

namespace nacelle::kube {

// One answer. Destroying it before its end gives the rest up, which ends a watch.
class TransportAnswer {
 public:
  virtual ~TransportAnswer() = default;
  [[nodiscard]] virtual const net::http::ResponseHead& head() const = 0;
  // The next piece of the body; empty at its end. Waits no longer than TransportRequest::silence.
  [[nodiscard]] virtual async::Task<Result<std::string>> read() = 0;
};

struct TransportRequest {
  TransportRequest() {}  // no aggregate: see kube/resource.h
  // Method, path with query, accept, content-type and so on; without credentials, which are the
  // transport's.
  net::http::RequestHead head;
  std::string body;
  Duration silence = std::chrono::seconds(60);  // between two pieces, also before the first
  // Sent again when a kept connection turns out to be closed: not for creating objects.
  bool repeatable = true;
};

class Transport {
 public:
  virtual ~Transport() = default;
  [[nodiscard]] virtual async::Loop& loop() = 0;
  // The value is never null. The transport outlives its answers.
  [[nodiscard]] virtual async::Task<Result<std::unique_ptr<TransportAnswer>>> send(
      TransportRequest request) = 0;
};

}  // namespace nacelle::kube
