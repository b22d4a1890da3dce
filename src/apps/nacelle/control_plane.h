// control_plane.h: a Kubernetes API, its controllers and the nodes of this machine, in this
// process.
//
// Everything of it runs on one loop of its own, so that no request of a client waits behind an
// object. What the API server keeps lies in <folder>/api, what nodes run in <folder>/nodes; a
// process that follows one killed with -9 finds the objects as they were and adopts the pods.
//
// Home:    create() and the destructor on the main thread; start() and stop() on loop().
// Errors:  create(): unavailable when the folder or the port is in use, resource_exhausted when no
//          range of addresses is left, data_loss when the store is damaged. start(): those of the
//          nodes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/nacelle/device_option.h"
#include "async/runtime.h"
#include "base/result.h"
#include "control/kube/controllers.h"
#include "control/kube/node/local_nodes.h"
#include "control/kube/node/node_logs.h"
#include "control/local/range_claim.h"
#include "kube/api_server.h"
#include "kube/local_transport.h"

namespace nacelle::apps {

class ControlPlane {
 public:
  struct Options {
    std::filesystem::path folder;
    net::HostPort address{"127.0.0.1", 6443};  // of the API
    std::uint16_t gateway_port = 8080;         // of the Gateway that services use by default
    std::size_t nodes = 1;
    std::vector<DeviceOption> devices;  // of each node
    std::string program;                // this binary: what engine images mean
    // What is measured of an autoscaled service now; on loop().
    std::function<std::optional<control::llmd::LoadSample>(const kube::ObjectKey& service)> load;
    // What a pool was asked, and how it answered; on loop().
    std::function<std::optional<control::kserve::PoolTraffic>(const kube::ObjectKey& pool)> traffic;
    control::PoolMetrics* pool_metrics = nullptr;  // may be null; outlives the control plane
  };

  [[nodiscard]] static Result<std::unique_ptr<ControlPlane>> create(Options options);
  ~ControlPlane();
  ControlPlane(const ControlPlane&) = delete;
  ControlPlane& operator=(const ControlPlane&) = delete;

  // Nodes register and adopt what runs; controllers begin.
  [[nodiscard]] async::Task<Status> start();
  // The destructor does it where nobody did, and leaves the pods.
  [[nodiscard]] async::Task<void> stop(control::node::NodeAgent::Stop pods);

  // On loop(): its replicas are thought over now.
  void look_at_load(const kube::ObjectKey& service) { controllers_->look_at_load(service); }

  [[nodiscard]] async::Loop& loop() { return runtime_.loop(0); }
  [[nodiscard]] kube::Client& client() { return *client_; }
  [[nodiscard]] kube::ApiServer& api() { return *api_; }

 private:
  explicit ControlPlane(Options options);
  // The default Gateway listens where this process was told to.
  [[nodiscard]] async::Task<Status> apply_gateway();
  // Replicas that ended with the process before: others have taken their place, or will.
  [[nodiscard]] async::Task<Status> remove_ended_pods();

  const Options options_;
  std::optional<control::RangeClaim> addresses_;  // given back last
  bool stopped_ = false;
  async::Runtime runtime_{1};
  control::node::NodeLogs logs_;
  control::node::NodeMetrics metrics_;
  std::unique_ptr<kube::ApiServer> api_;
  std::shared_ptr<kube::LocalTransport> transport_;
  std::unique_ptr<kube::Client> client_;
  std::unique_ptr<control::node::LocalNodes> nodes_;
  std::unique_ptr<control::Controllers> controllers_;
};

}  // namespace nacelle::apps
