#include "control/local/free_ports.h"

#include "net/listener.h"

namespace nacelle::control {

Result<std::vector<std::uint16_t>> free_loopback_ports(std::size_t count) {
  std::vector<net::Listener> held;
  std::vector<std::uint16_t> ports;
  for (std::size_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(net::Listener listener, net::Listener::bind({"127.0.0.1", 0}, 1));
    ports.push_back(listener.port());
    held.push_back(std::move(listener));
  }
  return ports;
}

}  // namespace nacelle::control
