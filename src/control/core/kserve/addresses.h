// addresses.h: the URLs under which a service can be asked, as its status lists them.
//
// One is published when something has answered there; what stands in the status has. It is asked
// for once the workload and all else of the router are ready, so that its answer says that the
// whole way works.
//
// Paths are those of the route, with what no URL holds as %XX.
//
// Home:    pure.
// Source:  kserve.md section A13, URL discovery; the port of a Service is part of its URL (A22 row
//          11).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "control/core/kserve/decide.h"
#include "kube/conditions.h"

namespace nacelle::control::kserve {

struct Address {
  Json entry;      // of status.addresses
  AddressAsk ask;  // the same for all paths of one listener and host
  // Of its own path, not of its publisher or a header.
  bool own = false;
  bool external = false;
};

// Of one parent of a route: of each of its HTTP listeners, hosts and the path, preferred schemes
// first. `path` takes every request below it.
[[nodiscard]] std::vector<Address> addresses_at(const Json& gateway, const Json& route,
                                                const std::string& path,
                                                const std::string& preferred_scheme);

// Of every gateway, listener, host and path, in order of preference.
[[nodiscard]] std::vector<Address> addresses_of(const Owner& owner, const Observed& observed);

// What is known of an address.
struct Heard {
  bool settled = false;   // its status publishes it, or nobody can ask: it is not asked
  bool answered = false;  // it may be published
  std::string instead;    // where it has not: what was heard
};
[[nodiscard]] Heard heard_of(const Address& address,
                             const std::optional<std::map<std::string, AddressAnswer>>& answers,
                             const Json& status);

// Writes status.addresses and status.url, says in RouterReady what does not answer, and adds what
// is to be asked. After the other conditions of router and workload.
void publish_addresses(const Owner& owner, const Observed& observed, Json& status,
                       kube::Conditions& conditions, std::vector<AddressAsk>& asks);

}  // namespace nacelle::control::kserve
