// epp_process.h: an Endpoint Picker with its three ports: ext_proc, health, metrics.
//
// Home:    start() and drain() on the owner's thread and loop 0.
// Errors:  start() names what is wrong: a configuration error per line, a port that is taken, a
//          certificate that does not load.
// Source:  router.md section 6.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "async/runtime.h"
#include "async/task.h"
#include "base/clock.h"
#include "base/result.h"

namespace nacelle::apps {

struct EppOptions {
  std::uint16_t grpc_port = 9002;
  std::uint16_t health_port = 9003;
  std::uint16_t metrics_port = 9090;
  std::string bind_host = "0.0.0.0";
  std::string pool_name, pool_namespace = "default";
  std::string config_file, config_text;
  std::string endpoints_file;             // besides the configuration's file-discovery
  std::vector<std::string> object_files;  // InferenceObjective and InferenceModelRewrite documents
  bool allow_experimental_plugins = false;
  bool use_subset_filter = true;
  bool emit_endpoint_scores = false;
  Duration scrape_interval = 50ms;
  Duration metrics_stale_after = 2s;
  bool secure_serving = true;
  std::string cert_path;  // a directory with tls.crt and tls.key; "": a self-signed certificate
  bool reload_certificate = false;
  bool health_on_grpc_port = false;
  std::string record;
};

class EppProcess {
 public:
  // The runtime runs and outlives the process.
  [[nodiscard]] static Result<std::unique_ptr<EppProcess>> start(async::Runtime& runtime,
                                                                 const EppOptions& options);
  ~EppProcess();

  [[nodiscard]] std::uint16_t grpc_port() const;
  [[nodiscard]] std::uint16_t health_port() const;
  [[nodiscard]] std::uint16_t metrics_port() const;

  // Not serving for health checks at once; streams may end until the deadline. On loop 0.
  [[nodiscard]] async::Task<void> drain(TimePoint deadline);

 private:
  struct Impl;
  explicit EppProcess(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace nacelle::apps
