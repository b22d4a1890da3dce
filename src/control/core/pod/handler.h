// handler.h: what a probe or a lifecycle hook does.
//
// Home:    pure values.
// Source:  kubernetes-api.md section 22.2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"

namespace nacelle::control::pod {

using PortRef = std::variant<std::uint16_t, std::string>;  // a number, or the name of a port

struct ExecAction {
  std::vector<std::string> command;
};
struct HttpGetAction {
  std::string host;  // "" = the pod's address
  PortRef port;
  std::string path = "/";
  bool tls = false;  // scheme HTTPS; the certificate is not verified
  std::vector<std::pair<std::string, std::string>> headers;
};
struct TcpAction {
  std::string host;
  PortRef port;
};
struct GrpcAction {
  std::uint16_t port = 0;
  std::string service;
};
struct SleepAction {
  Duration duration{};
};

using Handler =
    std::variant<std::monostate, ExecAction, HttpGetAction, TcpAction, GrpcAction, SleepAction>;

struct Probe {
  Handler handler;
  Duration initial_delay{};
  Duration timeout = 1s;
  Duration period = 10s;
  int success_threshold = 1;
  int failure_threshold = 3;
  std::optional<Duration> grace;  // instead of the pod's when this probe kills the container
};

enum class ProbeKind : std::uint8_t { kStartup, kLiveness, kReadiness };
constexpr std::string_view to_string(ProbeKind kind) {
  switch (kind) {
    case ProbeKind::kStartup:
      return "Startup";
    case ProbeKind::kLiveness:
      return "Liveness";
    case ProbeKind::kReadiness:
      return "Readiness";
  }
  return "";
}

}  // namespace nacelle::control::pod
