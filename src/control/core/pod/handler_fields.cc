#include "control/core/pod/container_fields.h"

namespace nacelle::control::pod {
namespace {

PortRef read_port(const Fields& from) {
  const Json* value = from.find("port");
  if (value != nullptr && value->is_string()) {
    const std::string& name = value->get_ref<const std::string&>();
    if (!name.empty()) return name;
  }
  const std::int64_t number = from.number("port", 0, 1, 65535);
  if (value == nullptr) from.complain("port", "is required");
  return static_cast<std::uint16_t>(number);
}

HttpGetAction read_http(const Fields& from) {
  HttpGetAction out;
  out.host = from.text("host");
  out.port = read_port(from);
  out.path = from.text("path", "/");
  if (!out.path.starts_with('/')) out.path.insert(0, "/");
  const std::string scheme = from.text("scheme", "HTTP");
  if (scheme != "HTTP" && scheme != "HTTPS") from.complain("scheme", "must be HTTP or HTTPS");
  out.tls = scheme == "HTTPS";
  for (const Fields& header : from.items("httpHeaders")) {
    out.headers.emplace_back(required_text(header, "name"), header.text("value"));
  }
  return out;
}

constexpr std::int64_t kMostSeconds = 10LL * 365 * 24 * 3600;

Duration seconds_of(const Fields& from, std::string_view name, std::int64_t fallback,
                    std::int64_t least) {
  // A server replaces a zero by the default where zero is not allowed.
  const std::optional<std::int64_t> given = from.number(name);
  if (given == 0 && least > 0) return std::chrono::seconds(fallback);
  return std::chrono::seconds(from.number(name, fallback, least, kMostSeconds));
}

}  // namespace

std::string required_text(const Fields& from, std::string_view name) {
  std::string value = from.text(name);
  if (value.empty()) from.complain(name, "is required");
  return value;
}

Handler read_handler(const Fields& from) {
  Handler out;
  int kinds = 0;
  if (from.has("exec")) {
    ExecAction exec{from.child("exec").texts("command")};
    if (exec.command.empty()) from.child("exec").complain("command", "must name a program");
    out = std::move(exec);
    ++kinds;
  }
  if (from.has("httpGet")) {
    out = read_http(from.child("httpGet"));
    ++kinds;
  }
  if (from.has("tcpSocket")) {
    const Fields tcp = from.child("tcpSocket");
    out = TcpAction{tcp.text("host"), read_port(tcp)};
    ++kinds;
  }
  if (from.has("grpc")) {
    const Fields grpc = from.child("grpc");
    const std::int64_t port = grpc.number("port", 0, 1, 65535);
    if (!grpc.has("port")) grpc.complain("port", "is required");
    out = GrpcAction{static_cast<std::uint16_t>(port), grpc.text("service")};
    ++kinds;
  }
  if (from.has("sleep")) {
    out = SleepAction{seconds_of(from.child("sleep"), "seconds", 0, 0)};
    ++kinds;
  }
  if (kinds == 0) from.complain("exec", "or another action is required");
  if (kinds > 1) from.complain("exec", "and another action are given: one is allowed");
  return out;
}

std::optional<Probe> read_probe(const Fields& owner, std::string_view name, ProbeKind kind) {
  if (!owner.has(name)) return std::nullopt;
  const Fields from = owner.child(name);
  Probe out;
  out.handler = read_handler(from);
  if (std::holds_alternative<SleepAction>(out.handler)) {
    from.complain("sleep", "is no action of a probe");
  }
  out.initial_delay = seconds_of(from, "initialDelaySeconds", 0, 0);
  out.timeout = seconds_of(from, "timeoutSeconds", 1, 1);
  out.period = seconds_of(from, "periodSeconds", 10, 1);
  constexpr std::int64_t kMostTimes = 1'000'000;
  const auto times = [&](std::string_view field, std::int64_t fallback) {
    if (from.number(field) == 0) return static_cast<int>(fallback);
    return static_cast<int>(from.number(field, fallback, 1, kMostTimes));
  };
  out.success_threshold = times("successThreshold", 1);
  out.failure_threshold = times("failureThreshold", 3);
  if (kind != ProbeKind::kReadiness && out.success_threshold != 1) {
    from.complain("successThreshold", "must be 1 for startup and liveness probes");
    out.success_threshold = 1;
  }
  if (from.has("terminationGracePeriodSeconds")) {
    out.grace = seconds_of(from, "terminationGracePeriodSeconds", 1, 1);
    if (kind == ProbeKind::kReadiness) {
      from.complain("terminationGracePeriodSeconds", "is not for readiness probes");
    }
  }
  return out;
}

}  // namespace nacelle::control::pod
