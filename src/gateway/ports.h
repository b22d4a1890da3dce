// ports.h: the servers of a gateway's ports, added and removed while others go on.
//
// Home:    one thread at a time (the gateway's lock); servers live on all loops.
// Errors:  prepare() fails when a port is taken, or needs TLS that cannot be set up (a certificate
//          that has ended, a key that is another's); nothing has changed then. Or, where the owner
//          says so, it leaves such ports out, and a served one keeps its certificates. Certificates
//          that did not change are not looked at again: one that ends in use stops no other change.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "async/runtime.h"
#include "gateway/snapshot.h"
#include "gateway/unserved_port.h"
#include "net/http/server.h"

namespace nacelle::gateway {

enum class UnboundPorts { kRefuse, kLeaveOut };

class Ports {
 public:
  // Serves a request that came to the port with this id and number.
  using Serve = std::function<async::Task<void>(net::http::ServerExchange&, std::uint32_t id,
                                                std::uint16_t number)>;

  Ports(async::Runtime& runtime, Serve serve, UnboundPorts unbound = UnboundPorts::kRefuse);

  // Binds what the snapshot has and we have not, and gives the snapshot's ports their ids.
  Status prepare(Snapshot& snapshot);
  // After prepare(): listens on the new ones, returns the servers that are not wanted any more.
  Result<std::vector<std::unique_ptr<net::http::HttpServer>>> commit(bool listening);
  // Instead of commit(): forgets the new ones.
  void roll_back();

  Status listen();

  // Of what is committed.
  [[nodiscard]] std::vector<UnservedPort> unserved() const;
  // Binds what was left out, as far as it can be now.
  void try_unserved(bool listening);

  [[nodiscard]] std::vector<std::unique_ptr<net::http::HttpServer>> take_all();
  // Of the first port; 0 without one.
  [[nodiscard]] std::uint16_t first_port() const;
  [[nodiscard]] std::uint64_t open_connections() const;
  // Of each TLS port: its address and when the first of its certificates ends.
  [[nodiscard]] std::vector<std::pair<std::string, std::chrono::system_clock::time_point>>
  certificate_ends() const;

 private:
  struct Port {
    std::uint32_t id = 0;
    std::string key;  // address and protocol
    std::unique_ptr<net::http::HttpServer> server;
    std::shared_ptr<net::TlsServerSource> tls;              // null without TLS
    std::shared_ptr<const net::TlsServerContext> next_tls;  // of a snapshot that is prepared
    std::vector<ListenerConfig> listeners, next_listeners;  // that `tls` and `next_tls` are made of
    bool listening = false;
    bool wanted = true;
    bool fresh = true;
  };

  struct LeftOut {
    UnservedPort told;
    std::uint32_t id = 0;  // that a server would have; 0: one serves, with certificates from before
    PortConfig config;     // without its routes
    GatewayLimits limits;
  };

  // `id`: of the server. The error comes with its reason.
  Result<Port> bind(const PortConfig& config, const GatewayLimits& limits, std::uint32_t id,
                    std::string_view& reason);

  async::Runtime& runtime_;
  const Serve serve_;
  const UnboundPorts unbound_;
  std::vector<Port> ports_;
  std::vector<LeftOut> left_out_, next_left_out_;  // of what is in force, and is prepared
  std::uint32_t next_id_ = 1;
};

}  // namespace nacelle::gateway
