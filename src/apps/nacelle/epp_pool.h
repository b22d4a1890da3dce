// epp_pool.h: one pool that an Endpoint Picker serves: its router, endpoints, flow control,
// objectives and metrics.
//
// Endpoints come from a file that is watched, or from whoever calls set_endpoints().
//
// Home:    start() and set_*() from any thread; stop() on loop 0. Destroyed on loop 0, by whichever
//          stream or owner lets go last.
// Errors:  create(): a configuration error per line, a file that is missing or wrong.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apps/nacelle/epp_options.h"
#include "async/runtime.h"
#include "async/task.h"
#include "base/result.h"
#include "epp/picker.h"
#include "epp/pool_choice.h"
#include "router/objective/inference_objective.h"
#include "router/signals/endpoints_file.h"
#include "telemetry/metrics.h"

namespace nacelle::apps {

class EppPool {
 public:
  // The runtime runs and outlives the pool, and so does `spans`, which may be null.
  // `endpoints_file` may be "".
  [[nodiscard]] static Result<std::shared_ptr<EppPool>> create(async::Runtime& runtime,
                                                               const EppOptions& options,
                                                               epp::PoolName name,
                                                               std::string endpoints_file,
                                                               tracing::SpanExporter* spans);
  ~EppPool();

  // Begins to scrape and to keep time.
  void start();
  // Refuses what waits in flow control and ends the tasks. Streams may still be answered.
  [[nodiscard]] async::Task<void> stop();

  void set_endpoints(const std::vector<router::FileEndpoint>& endpoints);
  // Objects of other pools are ignored.
  void set_objects(const router::objective::ObjectiveSet& objects);

  [[nodiscard]] const epp::PoolName& name() const;
  [[nodiscard]] epp::Picker& picker();
  [[nodiscard]] const telemetry::Metrics& metrics() const;

 private:
  struct Impl;
  explicit EppPool(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The objects of --objects-file.
[[nodiscard]] Result<router::objective::ObjectiveSet> load_objects(const EppOptions& options);

// The file that the configuration's file-discovery names, or ""; fails where the configuration is
// wrong.
[[nodiscard]] Result<std::string> configured_endpoints_file(const EppOptions& options);

}  // namespace nacelle::apps
