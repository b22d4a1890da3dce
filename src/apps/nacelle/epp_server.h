// epp_server.h: an Endpoint Picker with its three ports: ext_proc, health, metrics.
//
// Pools come from files, or from a Kubernetes API server that is watched on a thread of its own.
//
// Home:    start() and drain() on the owner's thread and loop 0.
// Errors:  start() names what is wrong: a configuration error per line, a port that is taken, a
//          certificate that does not load, no source of endpoints.
// Source:  router.md section 6.
#pragma once

#include <cstdint>
#include <memory>

#include "apps/nacelle/epp_options.h"
#include "async/runtime.h"
#include "async/task.h"
#include "base/result.h"

namespace nacelle::apps {

class EppServer {
 public:
  // The runtime runs and outlives the server.
  [[nodiscard]] static Result<std::unique_ptr<EppServer>> start(async::Runtime& runtime,
                                                                EppOptions options);
  ~EppServer();

  [[nodiscard]] std::uint16_t grpc_port() const;
  [[nodiscard]] std::uint16_t health_port() const;
  [[nodiscard]] std::uint16_t metrics_port() const;

  // Not serving for health checks at once; streams may end until the deadline. On loop 0.
  [[nodiscard]] async::Task<void> drain(TimePoint deadline);

 private:
  struct Impl;
  explicit EppServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace nacelle::apps
