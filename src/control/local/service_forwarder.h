// service_forwarder.h: the cluster address of one port of a Service, forwarded to ready endpoints.
//
//   client ─► 127.127.0.9:80 ─┬─► 127.64.0.5:8000
//                             └─► 127.64.0.6:8000      round robin, the next one when one refuses
//
// Bytes go through unread, in both directions, each with one buffer of 32 KiB: who is slow on one
// side slows the other. An end of sending on one side becomes an end of sending on the other; an
// error on either breaks both. Without a ready endpoint the connection is reset, as kube-proxy's
// rules do.
//
// Home:    one loop. stop() before destruction.
// Errors:  listen(): the address's, see net::Listener::bind. A connection's errors end it.
// Bounds:  kMaxConnections per port (beyond it a connection is reset), two buffers each;
//          kConnectTimeout for each endpoint that is tried.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "async/task_scope.h"
#include "base/result.h"
#include "net/address.h"

namespace nacelle::control {

class ServiceForwarder {
 public:
  static constexpr std::size_t kMaxConnections = 4096;
  static constexpr std::size_t kBufferBytes = 32 * 1024;
  static constexpr Duration kConnectTimeout = 5s;

  explicit ServiceForwarder(async::Loop& loop);
  ~ServiceForwarder();
  ServiceForwarder(const ServiceForwarder&) = delete;
  ServiceForwarder& operator=(const ServiceForwarder&) = delete;

  // Port 0: the kernel chooses.
  [[nodiscard]] Status listen(const net::HostPort& address);
  [[nodiscard]] std::uint16_t port() const { return port_; }

  // From now on new connections go to these; the others stay with theirs.
  void set_endpoints(std::vector<net::TcpEndpoint> ready);

  [[nodiscard]] std::size_t connections() const { return connections_; }

  // Closes the port and breaks what is open.
  [[nodiscard]] async::Task<void> stop();

 private:
  struct Connection;

  async::Task<void> accept();
  async::Task<void> serve(std::shared_ptr<Connection> connection);
  async::Task<bool> connect(Connection& connection);

  async::Loop& loop_;
  async::StopScope scope_;
  struct Acceptor;
  std::unique_ptr<Acceptor> acceptor_;
  std::vector<net::TcpEndpoint> ready_;
  std::size_t next_ = 0;
  std::size_t connections_ = 0;
  std::uint16_t port_ = 0;
};

}  // namespace nacelle::control
