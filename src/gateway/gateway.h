// gateway.h: the data plane: clients in, model servers and services out.
//
//   Gateway gateway(runtime, pickers);
//   gateway.apply(model);  gateway.listen();  ...  gateway.apply(newer);  ...
//   co_await gateway.drain(deadline);
//
// apply() puts a configuration in force as a whole or not at all: ports that are new are bound
// first, requests in hand keep the configuration that they began with, ports that are gone drain.
// The admin port has /health, /ready, /metrics, /endpoints and /config.
//
// Home:    apply() and listen() from any thread but one at a time; drain() on loop 0; requests on
//          the loops of the runtime. Destroyed when the runtime has stopped, or on its only loop.
// Errors:  apply() and bind() name the port that is taken or the picker that cannot be made; what
//          was in force stays. With UnboundPorts::kLeaveOut a port that is taken is left out, and
//          the rest is put in force.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "async/runtime.h"
#include "async/task_scope.h"
#include "gateway/forwarder.h"
#include "gateway/gateway_config.h"
#include "gateway/picker.h"
#include "gateway/ports.h"
#include "gateway/snapshot.h"
#include "net/http/server.h"
#include "telemetry/metrics.h"

namespace nacelle::gateway {

// Paths of the admin port that are not the gateway's own: JSON, or nullopt for a path that is none.
struct AdminAnswer {
  int status = 200;
  std::string body;
};
using AdminHandler =
    std::function<async::Task<std::optional<AdminAnswer>>(std::string path, std::string query)>;

struct GatewayOptions {
  Duration retire_timeout = 60s;  // of requests on ports that a reload removed
  AdminHandler admin;             // runs on the admin connection's loop; may be empty
  UnboundPorts unbound_ports = UnboundPorts::kRefuse;
};

class Gateway {
 public:
  // `runtime` and what `pickers` makes pickers of outlive the gateway. Clusters of plain endpoints
  // need no picker of the factory.
  Gateway(async::Runtime& runtime, PickerFactory pickers, GatewayOptions options = {});
  // One pool with one picker that outlives the gateway.
  Gateway(async::Runtime& runtime, const GatewayConfig& config, EndpointPicker& picker);
  ~Gateway();

  // The short form's configuration; clients are refused until listen().
  [[nodiscard]] Status bind();
  // The first one takes the admin port and starts tracing; later ones leave both as they are.
  [[nodiscard]] Status apply(GatewayModel model);
  // A configuration that could not even be read: counted, and told by /config.
  void refuse(const Status& why);
  [[nodiscard]] Status listen();
  // Of what is in force, ports that were left out; from any thread.
  [[nodiscard]] std::vector<UnservedPort> unserved_ports() const;
  // Serves those of them that can be bound now; as apply().
  void try_unserved_ports();

  [[nodiscard]] std::uint16_t port() const;  // the first one
  [[nodiscard]] std::uint16_t admin_port() const { return admin_->port(); }
  [[nodiscard]] SnapshotPtr snapshot() const;
  // For what pickers count; lives as long as the gateway.
  [[nodiscard]] telemetry::Metrics& metrics() { return metrics_; }
  // The access log was renamed away.
  void reopen_logs();

  // From now on not ready: load balancers look elsewhere while everything is still served.
  void begin_drain();
  // Refuses new connections, lets requests in hand end, breaks what is left at the deadline.
  [[nodiscard]] async::Task<Status> drain(TimePoint deadline);

 private:
  struct ConfigState {
    std::string loaded_at, failed_at, error;
  };

  async::Task<void> serve_admin(net::http::ServerExchange& exchange);
  async::Task<void> retire(std::unique_ptr<net::http::HttpServer> server);
  Result<std::shared_ptr<EndpointPicker>> make_picker(const ClusterConfig& config);
  Status start_admin(const Settings& settings);
  Status start_tracing(const tracing::TracingConfig& config);
  void start_health_checks(const Snapshot* before, const Snapshot& snapshot);
  void add_collector();
  [[nodiscard]] std::string describe_endpoints() const;
  [[nodiscard]] std::string describe_config() const;

  async::Runtime& runtime_;
  const PickerFactory pickers_;
  const GatewayOptions options_;
  std::optional<GatewayModel> simple_;  // of the short form, until bind()
  telemetry::Metrics metrics_;
  std::shared_ptr<GatewayShared> shared_;
  std::vector<std::unique_ptr<Forwarder>> forwarders_;  // by loop
  std::unique_ptr<tracing::SpanExporter> spans_;
  std::unique_ptr<net::http::HttpClient> health_client_;  // of loop 0
  async::StopScope scope_;                                // loop 0
  mutable std::mutex mutex_;
  Ports ports_;           // guarded
  SnapshotPtr snapshot_;  // guarded
  ConfigState state_;     // guarded
  bool listening_ = false;
  std::unique_ptr<net::http::HttpServer> admin_;
};

}  // namespace nacelle::gateway
