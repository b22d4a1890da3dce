// listener.h: a TCP port that is bound early and listens later.
//
// bind() owns the port at once: a second server on it fails with already_exists naming the port,
// although loops share the port by SO_REUSEPORT and a restart is not held up by TIME_WAIT.
// Until listen() the kernel refuses connections, so a load balancer sees a server that is not
// ready.
//
// Home:    bind() and listen() on any one thread; each socket then belongs to its loop.
// Errors:  already_exists (port in use), permission_denied (port < 1024), invalid_argument (host).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "net/address.h"

namespace nacelle::net {

class Listener {
 public:
  // One socket per loop on the same port; port 0 lets the kernel choose. `address.host` must be an
  // IP literal, "" (any IPv4 and IPv6 address) or "localhost".
  [[nodiscard]] static Result<Listener> bind(const HostPort& address, std::size_t num_sockets);

  Listener(Listener&& other) noexcept;
  Listener& operator=(Listener&& other) noexcept;
  ~Listener();  // closes the sockets that were not taken

  [[nodiscard]] std::uint16_t port() const { return endpoint_.port(); }
  [[nodiscard]] const TcpEndpoint& endpoint() const { return endpoint_; }

  // From here on the kernel completes connections. `backlog` is per socket.
  Status listen(int backlog = 1024);

  // Gives up ownership of the i-th socket, non-blocking, for an acceptor.
  [[nodiscard]] int take(std::size_t index);

 private:
  Listener() = default;

  TcpEndpoint endpoint_;
  std::vector<int> sockets_;  // -1 when taken
};

}  // namespace nacelle::net
