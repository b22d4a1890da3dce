// port_table.h: the listeners of one port: which one a request belongs to.
//
// A request uses the listener with the most specific hostname that matches, and no other one's
// routes. Over TLS the listener that the client's SNI chose must be the same: a connection that was
// opened for one host does not serve another (421).
//
// Home:    immutable after the constructor; any thread.
// Source:  gateway.md section 1.3.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/route/route_table.h"

namespace nacelle::gateway {

struct RouteListener {
  std::string name;      // "namespace/gateway/listener"
  std::string hostname;  // pattern; "" = any
  RouteTable routes;
};

class PortTable {
 public:
  struct Choice {
    enum class Kind : std::uint8_t { kNone, kListener, kMisdirected };
    Kind kind = Kind::kNone;
    const RouteListener* listener = nullptr;
  };

  PortTable() = default;
  explicit PortTable(std::vector<RouteListener> listeners);

  // `server_name` is the client's SNI; nullopt without TLS.
  [[nodiscard]] Choice choose(std::string_view host,
                              std::optional<std::string_view> server_name) const;
  [[nodiscard]] const std::vector<RouteListener>& listeners() const { return listeners_; }

 private:
  [[nodiscard]] const RouteListener* best(std::string_view host) const;

  std::vector<RouteListener> listeners_;  // most specific first
};

}  // namespace nacelle::gateway
