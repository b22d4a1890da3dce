// forwarder.h: takes one request to an endpoint and the answer back.
//
// The body is held while it is sent, so that an endpoint that dies before the first byte of its
// answer costs the client nothing: another one is tried. Nothing is sent to the client before that
// byte. Event streams pass piece by piece, as fast as the client reads; other answers are collected
// first.
//
// Home:    one network loop; one per loop.
// Errors:  400, 408, 413 for the request; 503 when no endpoint is left; all in OpenAI's shape. An
// event
//          stream that breaks off ends with an error event and [DONE].
// Bounds:  a body of GatewayLimits::body_bytes and one answer of kMaxHeldAnswer per request in
// hand.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "async/task.h"
#include "gateway/gateway_config.h"
#include "gateway/gateway_metrics.h"
#include "gateway/picker.h"
#include "gateway/request_inspector.h"
#include "net/http/client.h"
#include "net/http/server_exchange.h"

namespace nacelle::gateway {

class Forwarder {
 public:
  static constexpr std::size_t kMaxHeldAnswer = std::size_t{8} << 20;

  // All references outlive the forwarder.
  Forwarder(async::Loop& loop, const GatewayLimits& limits, EndpointPicker& picker,
            GatewayMetrics& metrics);

  [[nodiscard]] async::Task<void> forward(net::http::ServerExchange& exchange);

 private:
  struct Request;
  enum class Attempt { kDone, kTryAnother };

  [[nodiscard]] async::Task<bool> read_request(Request& request);
  [[nodiscard]] async::Task<Attempt> attempt(Request& request, PickedEndpoint& picked);
  [[nodiscard]] async::Task<Attempt> pass_stream(Request& request,
                                                 net::http::ClientExchange& upstream,
                                                 PickedEndpoint& picked, std::string_view first);
  [[nodiscard]] async::Task<Attempt> pass_whole(Request& request,
                                                net::http::ClientExchange& upstream,
                                                PickedEndpoint& picked, std::string_view first);
  [[nodiscard]] async::Task<void> answer(Request& request, const net::http::ResponseHead& head,
                                         std::string_view body);
  [[nodiscard]] async::Task<void> refuse(Request& request, int status, std::string message);
  Attempt failed(Request& request, PickedEndpoint& picked, net::http::ClientStage stage,
                 const Status& why);
  void finish(Request& request, int status);

  const GatewayLimits& limits_;
  EndpointPicker& picker_;
  GatewayMetrics& metrics_;
  net::http::HttpClient client_;
  RequestInspector inspector_;
};

}  // namespace nacelle::gateway
