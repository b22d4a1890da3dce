#include "net/listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace nacelle::net {

namespace {

Status socket_error(int error, const TcpEndpoint& endpoint, std::string_view doing) {
  const std::string where = to_string(endpoint);
  switch (error) {
    case EADDRINUSE:
      return already_exists("port {} is already in use (cannot {} {})", endpoint.port(), doing,
                            where);
    case EACCES:
      return permission_denied("cannot {} {}: {}", doing, where, std::strerror(error));
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
      return invalid_argument("cannot {} {}: {}", doing, where, std::strerror(error));
    default:
      return unavailable("cannot {} {}: {}", doing, where, std::strerror(error));
  }
}

void set_option(int fd, int level, int name, int value) {
  (void)::setsockopt(fd, level, name, &value, sizeof(value));
}

enum class Sharing { kExclusive, kShared };

// A bound, non-blocking socket.
//
// The first socket of a port is bound without SO_REUSEPORT, so that a port that anyone holds is
// refused, and without SO_REUSEADDR unless connections in TIME_WAIT are in the way, because two
// bound sockets with SO_REUSEADDR do not conflict before one of them listens. Only then the options
// are switched on: the other loops join, and accepted connections may linger in TIME_WAIT.
Result<int> bind_socket(const TcpEndpoint& endpoint, Sharing sharing) {
  const int family = endpoint.address().is_v6() ? AF_INET6 : AF_INET;
  const int fd = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return socket_error(errno, endpoint, "open a socket for");
  if (family == AF_INET6) {
    set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, endpoint.address().is_unspecified() ? 0 : 1);
  }
  if (sharing == Sharing::kShared) {
    set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  }
  int failed = ::bind(fd, endpoint.data(), static_cast<socklen_t>(endpoint.size()));
  if (failed != 0 && errno == EADDRINUSE && sharing == Sharing::kExclusive) {
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    failed = ::bind(fd, endpoint.data(), static_cast<socklen_t>(endpoint.size()));
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 0);
  }
  if (failed != 0) {
    const int error = errno;
    ::close(fd);
    return socket_error(error, endpoint, "bind");
  }
  return fd;
}

Result<TcpEndpoint> endpoint_to_bind(const HostPort& address) {
  if (address.host == "localhost")
    return TcpEndpoint(boost::asio::ip::address_v4::loopback(), address.port);
  if (address.host.empty()) {
    return TcpEndpoint(boost::asio::ip::address_v6::any(), address.port);
  }
  if (const auto literal = literal_endpoint(address)) return *literal;
  return invalid_argument("cannot bind {}: the host must be an IP address", address.to_string());
}

}  // namespace

Result<Listener> Listener::bind(const HostPort& address, std::size_t num_sockets) {
  CHECK(num_sockets > 0);
  ASSIGN_OR_RETURN(TcpEndpoint endpoint, endpoint_to_bind(address));
  Listener listener;
  Result<int> first = bind_socket(endpoint, Sharing::kExclusive);
  if (!first.ok() && address.host.empty() && first.error().code() == Code::kInvalidArgument) {
    endpoint = TcpEndpoint(boost::asio::ip::address_v4::any(), address.port);  // no IPv6 here
    first = bind_socket(endpoint, Sharing::kExclusive);
  }
  if (!first.ok()) return first.error();
  listener.sockets_.push_back(*first);
  socklen_t size = static_cast<socklen_t>(endpoint.capacity());
  if (::getsockname(*first, endpoint.data(), &size) != 0) {
    return socket_error(errno, endpoint, "read the address of");
  }
  endpoint.resize(size);
  listener.endpoint_ = endpoint;
  if (num_sockets > 1) set_option(*first, SOL_SOCKET, SO_REUSEPORT, 1);
  while (listener.sockets_.size() < num_sockets) {
    ASSIGN_OR_RETURN(const int fd, bind_socket(endpoint, Sharing::kShared));
    listener.sockets_.push_back(fd);
  }
  return listener;
}

Listener::Listener(Listener&& other) noexcept
    : endpoint_(other.endpoint_), sockets_(std::exchange(other.sockets_, {})) {}

Listener& Listener::operator=(Listener&& other) noexcept {
  std::swap(endpoint_, other.endpoint_);
  std::swap(sockets_, other.sockets_);
  return *this;
}

Listener::~Listener() {
  for (int fd : sockets_) {
    if (fd >= 0) ::close(fd);
  }
}

Status Listener::listen(int backlog) {
  for (int fd : sockets_) {
    if (fd < 0) continue;
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);  // inherited by accepted sockets
    if (::listen(fd, backlog) != 0) return socket_error(errno, endpoint_, "listen on");
  }
  return {};
}

int Listener::take(std::size_t index) { return std::exchange(sockets_.at(index), -1); }

}  // namespace nacelle::net
