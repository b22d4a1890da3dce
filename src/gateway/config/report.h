// report.h: what became of each object of a compilation, for status conditions.
//
// Reasons are those of gateway.md section 2. Gateways and pools are named "namespace/name".
//
// Home:    a value.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/objects.h"

namespace nacelle::gateway {

// What holds, or the first thing that is wrong.
struct Finding {
  std::string reason, message;  // "": it holds
  [[nodiscard]] bool holds() const { return reason.empty(); }
  void fail(std::string_view why, std::string_view details) {
    if (!holds()) return;
    reason = why;
    message = details;
  }
  friend bool operator==(const Finding&, const Finding&) = default;
};

struct ListenerReport {
  Finding accepted, resolved;
  bool conflicted = false;  // `accepted` says how
  std::string address;      // of the port that it is on; "": on none
  std::uint32_t attached_routes = 0;
  [[nodiscard]] bool serves() const { return accepted.holds() && resolved.holds(); }
};

struct RouteReport {
  struct Parent {
    ObjectRef gateway;
    Finding accepted;
    friend bool operator==(const Parent&, const Parent&) = default;
  };
  std::vector<Parent> parents;  // Gateways of ours, in the order of the route
  Finding resolved;             // its references to backends
  std::set<std::string> pools;  // that its rules send to
  friend bool operator==(const RouteReport&, const RouteReport&) = default;
};

struct CompileReport {
  std::map<std::string, std::map<std::string, ListenerReport>> gateways;  // ours, by listener
  std::map<std::string, RouteReport> routes;                              // by report_key()
  std::map<std::string, std::string> unreadable;  // by report_key(): what is wrong
};

[[nodiscard]] inline std::string report_key(std::string_view kind, std::string_view full_name) {
  return std::string(kind) + " " + std::string(full_name);
}

}  // namespace nacelle::gateway
