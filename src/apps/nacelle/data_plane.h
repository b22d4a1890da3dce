// data_plane.h: router, endpoint pool and gateway, connected; used by `gateway` and `up`.
#pragma once

#include <memory>
#include <string>

#include "apps/nacelle/router_picker.h"
#include "async/runtime.h"
#include "gateway/gateway.h"
#include "gateway/gateway_config.h"
#include "router/config/router_setup.h"
#include "router/record/record_writer.h"
#include "router/router.h"
#include "router/signals/endpoint_pool.h"

namespace nacelle::apps {

class DataPlane {
 public:
  struct Options {
    std::string record;  // file that decisions are written to; "": none
    bool allow_experimental_plugins = false;
  };
  // invalid_argument for an unknown policy or a wrong picker configuration; unavailable when a port
  // is taken. The runtime must run.
  [[nodiscard]] static Result<std::unique_ptr<DataPlane>> bind(async::Runtime& runtime,
                                                               const gateway::GatewayConfig& config,
                                                               const Options& options);
  [[nodiscard]] static Result<std::unique_ptr<DataPlane>> bind(
      async::Runtime& runtime, const gateway::GatewayConfig& config) {
    return bind(runtime, config, Options());
  }
  ~DataPlane();

  // Starts scraping, without answering clients yet.
  void watch_endpoints() { pool_.start(); }
  [[nodiscard]] Status listen() { return gateway_.listen(); }
  [[nodiscard]] gateway::Gateway& gateway() { return gateway_; }
  [[nodiscard]] const router::Router& router() const { return router_; }

  // Lets requests in hand end until the deadline, then stops scraping. On loop 0.
  [[nodiscard]] async::Task<Status> drain(TimePoint deadline);

 private:
  DataPlane(async::Runtime& runtime, const gateway::GatewayConfig& config,
            router::RouterSetup setup);

  std::unique_ptr<router::RecordWriter> recorder_;
  router::Router router_;
  router::EndpointPool pool_;
  RouterPicker picker_;
  gateway::Gateway gateway_;
};

}  // namespace nacelle::apps
