#include "gateway/route/port_table.h"

#include <algorithm>
#include <tuple>

#include "gateway/route/host_pattern.h"

namespace nacelle::gateway {

PortTable::PortTable(std::vector<RouteListener> listeners) : listeners_(std::move(listeners)) {
  std::stable_sort(listeners_.begin(), listeners_.end(),
                   [](const RouteListener& a, const RouteListener& b) {
                     const auto key = [](const RouteListener& listener) {
                       const bool any = listener.hostname.empty();
                       const bool wildcard = listener.hostname.starts_with("*.");
                       return std::make_tuple(any, wildcard,
                                              -static_cast<std::int64_t>(listener.hostname.size()));
                     };
                     return key(a) < key(b);
                   });
}

const RouteListener* PortTable::best(std::string_view host) const {
  const auto found = std::find_if(
      listeners_.begin(), listeners_.end(),
      [host](const RouteListener& listener) { return host_matches(listener.hostname, host); });
  return found == listeners_.end() ? nullptr : &*found;
}

PortTable::Choice PortTable::choose(std::string_view host,
                                    std::optional<std::string_view> server_name) const {
  const RouteListener* listener = best(host);
  if (server_name) {
    const RouteListener* connected = best(*server_name);
    if (connected != listener) return {Choice::Kind::kMisdirected, nullptr};
  }
  if (listener == nullptr) return {};
  return {Choice::Kind::kListener, listener};
}

}  // namespace nacelle::gateway
