// gateway.h: the data plane: clients in, model servers out.
//
//   Gateway gateway(runtime, config, picker);  gateway.start();  ...  co_await
//   gateway.drain(deadline);
//
// The client port forwards the OpenAI paths and answers /health itself; the admin port has /health,
// /metrics and /endpoints.
//
// Home:    start() and drain() from the owner; requests on the loops of the runtime.
// Errors:  start() fails when a port is taken, naming it.
#pragma once

#include <memory>
#include <vector>

#include "async/runtime.h"
#include "gateway/forwarder.h"
#include "gateway/gateway_config.h"
#include "gateway/gateway_metrics.h"
#include "gateway/picker.h"
#include "net/http/server.h"
#include "telemetry/metrics.h"

namespace nacelle::gateway {

class Gateway {
 public:
  // `runtime` and `picker` outlive the gateway.
  Gateway(async::Runtime& runtime, GatewayConfig config, EndpointPicker& picker);

  // Takes both ports; clients are refused until listen().
  [[nodiscard]] Status bind();
  [[nodiscard]] Status listen();

  [[nodiscard]] std::uint16_t port() const { return clients_->port(); }
  [[nodiscard]] std::uint16_t admin_port() const { return admin_->port(); }

  // Refuses new connections, lets requests in hand end, breaks what is left at the deadline.
  [[nodiscard]] async::Task<Status> drain(TimePoint deadline);

 private:
  async::Task<void> serve(net::http::ServerExchange& exchange);
  async::Task<void> serve_admin(net::http::ServerExchange& exchange);

  async::Runtime& runtime_;
  const GatewayConfig config_;
  EndpointPicker& picker_;
  telemetry::Metrics metrics_;
  GatewayMetrics own_metrics_{metrics_};
  std::vector<std::unique_ptr<Forwarder>> forwarders_;  // by loop
  std::unique_ptr<net::http::HttpServer> clients_, admin_;
};

}  // namespace nacelle::gateway
