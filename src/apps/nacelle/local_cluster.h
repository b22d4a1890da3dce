// local_cluster.h: `nacelle up`: one machine as a cluster. An API with controllers and nodes, and a
// data plane that follows it.
//
// On the first start the model that was named, or the demo model, is applied as an
// LLMInferenceService of some replicas from a manifest that is left in <data>/manifests. After that
// the objects are the user's: a later start applies a manifest again only when it was asked for
// something else on its command line.
//
// Home:    all of it on the main thread.
// Errors:  create(): the data folder is in use, a port is taken, the store is damaged.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "apps/nacelle/api_gateway.h"
#include "apps/nacelle/control_plane.h"
#include "apps/nacelle/data_plane.h"
#include "apps/nacelle/up_manifest.h"
#include "apps/nacelle/up_options.h"
#include "async/runtime.h"
#include "async/signals.h"
#include "async/task_scope.h"

namespace nacelle::apps {

class LocalCluster {
 public:
  // `program` is this binary. The runtime, which serves requests, must run.
  [[nodiscard]] static Result<std::unique_ptr<LocalCluster>> create(async::Runtime& runtime,
                                                                    UpOptions options,
                                                                    const std::string& program);
  ~LocalCluster();

  // Serves until the first signal, then drains and stops. Returns the exit code.
  [[nodiscard]] int run(async::TerminationSignals* signals);

 private:
  LocalCluster(async::Runtime& runtime, UpOptions options)
      : runtime_(runtime), options_(std::move(options)) {}

  // What a service of inference.llm-d.ai has to do now; on the control plane's loop.
  [[nodiscard]] std::optional<control::llmd::LoadSample> load_of(const kube::ObjectKey& service);
  // What a pool has answered since it was made; on the control plane's loop.
  [[nodiscard]] std::optional<control::kserve::PoolTraffic> traffic_of(
      const kube::ObjectKey& pool) const;
  // A request waits for a pool without endpoints: its service is looked at now. Any thread.
  void wake(const std::string& pool);

  [[nodiscard]] async::Task<Status> start();  // on the control plane's loop
  async::Task<void> stop_control();
  [[nodiscard]] async::Task<Status> apply_manifest();
  // What is in the way of the service of the manifest; "" when it is ready or there is none.
  [[nodiscard]] async::Task<Result<std::string>> missing();
  async::Task<void> watch_signals(async::TerminationSignals* signals);
  async::Task<void> drain();
  void print_start() const;
  void print_ready() const;
  void wait();  // until a signal, telling when the service is ready

  async::Runtime& runtime_;
  const UpOptions options_;
  std::optional<UpManifest> manifest_;
  std::filesystem::path manifest_path_;
  bool apply_ = false;  // the manifest is new
  control::PoolMetrics pool_metrics_;
  std::unique_ptr<ControlPlane> control_;
  std::unique_ptr<DataPlane> plane_;
  std::unique_ptr<ApiGateway> gateway_;
  const TimePoint began_ = std::chrono::steady_clock::now();
  std::atomic<bool> interrupted_{false};
};

}  // namespace nacelle::apps
