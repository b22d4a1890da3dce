// address.h: host and port as text, and resolving them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/ip/tcp.hpp>

#include "async/task.h"
#include "async/timer_wheel.h"
#include "base/result.h"

namespace nacelle::net {

using TcpEndpoint = boost::asio::ip::tcp::endpoint;

// Where to connect to or to bind. `host` is a name or an IP literal without brackets; "" means any
// address when binding and is an error when connecting.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;

  friend bool operator==(const HostPort&, const HostPort&) = default;

  // "10.0.0.7:8000", "[::1]:8000": what a Host header or a log line shows.
  [[nodiscard]] std::string to_string() const;
};

// Accepts "host:port", "1.2.3.4:80", "[::1]:80", ":80", and, when `default_port` is not negative,
// the same without a port. An IPv6 address needs brackets when a port follows. Errors:
// invalid_argument naming the text.
[[nodiscard]] Result<HostPort> parse_host_port(std::string_view text, int default_port = -1);

// An IP literal becomes an endpoint without any lookup; nullopt for a name.
[[nodiscard]] std::optional<TcpEndpoint> literal_endpoint(const HostPort& address);

// All addresses of the name, IPv4 and IPv6 in the resolver's order. Names are looked up on a helper
// thread of the loop. Errors: unavailable naming the host, deadline_exceeded.
[[nodiscard]] async::Task<Result<std::vector<TcpEndpoint>>> resolve(HostPort address,
                                                                    TimePoint deadline);

[[nodiscard]] std::string to_string(const TcpEndpoint& endpoint);
// The address alone, as inet_ntop writes it; made for hot paths.
[[nodiscard]] std::string ip_text(const TcpEndpoint& endpoint);

}  // namespace nacelle::net

template <>
struct std::hash<nacelle::net::HostPort> {
  std::size_t operator()(const nacelle::net::HostPort& address) const noexcept {
    return std::hash<std::string>{}(address.host) * 31 + address.port;
  }
};
