// decode_policy.cc: our own kinds: GatewayPolicy and GatewaySettings.
#include "gateway/config/decode.h"

#include <algorithm>

#include "base/nearest_name.h"

namespace nacelle::gateway {
namespace {

void count(ObjectReader& reader, std::string_view key, std::int64_t low, std::int64_t high,
           std::uint32_t& out) {
  std::int64_t value = 0;
  if (reader.integer(key, low, high, value)) out = static_cast<std::uint32_t>(value);
}

void size(ObjectReader& reader, std::string_view key, std::size_t& out) {
  std::uint64_t value = 0;
  if (reader.quantity(key, value)) out = static_cast<std::size_t>(value);
}

TrafficConfig decode_traffic(ObjectReader reader) {
  TrafficConfig out;
  reader.object("loadBalancer", [&](ObjectReader balancer) {
    if (const auto type =
            balancer.one_of("type", {"LeastRequest", "RoundRobin", "Random", "RingHash"})) {
      out.balance = static_cast<TrafficConfig::Balance>(*type);
    }
    balancer.string("hashHeader", out.hash_header);
  });
  reader.object("circuitBreaker", [&](ObjectReader breaker) {
    count(breaker, "maxConnections", 1, INT32_MAX, out.breaker.max_connections);
    count(breaker, "maxRequests", 1, INT32_MAX, out.breaker.max_requests);
    count(breaker, "retryPercent", 0, 100, out.breaker.retry_percent);
    count(breaker, "minRetries", 0, INT32_MAX, out.breaker.min_retries);
  });
  reader.object("outlierDetection", [&](ObjectReader outlier) {
    bool enabled = true;
    outlier.boolean("enabled", enabled);
    if (!enabled) out.outlier.reset();
    OutlierConfig config;
    count(outlier, "consecutive5xxErrors", 0, INT32_MAX, config.consecutive_5xx);
    count(outlier, "consecutiveGatewayErrors", 0, INT32_MAX, config.consecutive_gateway_errors);
    outlier.duration("baseEjectionTime", config.base_ejection);
    outlier.duration("maxEjectionTime", config.max_ejection);
    count(outlier, "maxEjectionPercent", 0, 100, config.max_ejected_percent);
    count(outlier, "panicPercent", 0, 100, config.panic_percent);
    if (enabled) out.outlier = config;
  });
  reader.object("healthCheck", [&](ObjectReader health) {
    HealthCheckConfig config;
    health.string("path", config.path);
    health.duration("interval", config.interval);
    health.duration("timeout", config.timeout);
    count(health, "unhealthyThreshold", 1, 100, config.unhealthy);
    count(health, "healthyThreshold", 1, 100, config.healthy);
    if (config.interval < 100ms) health.problem("interval", "must be at least 100ms");
    if (!config.path.starts_with("/")) health.problem("path", "must begin with /");
    out.health_check = config;
  });
  reader.duration("connectTimeout", out.connect_timeout);
  return out;
}

RetryConfig decode_policy_retry(ObjectReader reader) {
  RetryConfig out;
  decode_retry(reader, out);
  std::vector<std::string> on;
  if (reader.strings("on", 16, on)) {
    out.on_connect_failure = out.on_reset = out.on_timeout = false;
    for (const std::string& trigger : on) {
      if (trigger == "connect-failure") {
        out.on_connect_failure = true;
      } else if (trigger == "reset") {
        out.on_reset = true;
      } else if (trigger == "timeout") {
        out.on_timeout = true;
      } else if (trigger == "gateway-error" || trigger == "5xx") {
        for (int code = trigger == "5xx" ? 500 : 502; code <= (trigger == "5xx" ? 599 : 504);
             ++code)
          out.statuses.push_back(code);
      } else {
        constexpr std::array<std::string_view, 5> kTriggers = {"connect-failure", "reset",
                                                               "timeout", "gateway-error", "5xx"};
        reader.problem("on",
                       fmt::format("'{}' is none of {}{}", trigger, fmt::join(kTriggers, ", "),
                                   did_you_mean(trigger, kTriggers)));
      }
    }
  }
  if (reader.duration("maxBackoff", out.backoff_max)) out.fixed_backoff = false;
  reader.boolean("honourRetryAfter", out.honour_retry_after);
  count(reader, "attemptsPerPriority", 0, 100, out.attempts_per_priority);
  return out;
}

PickerConfig decode_picker(ObjectReader reader) {
  PickerConfig out;
  reader.string("policy", out.policy);
  reader.duration("scrapeInterval", out.scrape_interval);
  if (out.scrape_interval < 10ms) reader.problem("scrapeInterval", "must be at least 10ms");
  if (const auto* plugins = reader.raw("config"); plugins != nullptr) {
    if (plugins->is_object()) {
      out.plugins = plugins->dump();
    } else {
      reader.problem("config", "expected an EndpointPickerConfig");
    }
  }
  return out;
}

DirectResponse decode_direct(ObjectReader reader) {
  constexpr std::size_t kMaxBody = std::size_t{1} << 20;
  DirectResponse out;
  std::int64_t status = out.status;
  if (reader.integer("status", 200, 599, status)) out.status = static_cast<int>(status);
  reader.string("contentType", out.content_type);
  const bool plain = std::all_of(out.content_type.begin(), out.content_type.end(),
                                 [](char c) { return c >= ' ' && c <= '~'; });
  if (!plain) reader.problem("contentType", "must be printable ASCII");
  reader.string("body", out.body);
  if (out.body.size() > kMaxBody) {
    reader.problem("body",
                   fmt::format("{} bytes, at most {} are accepted", out.body.size(), kMaxBody));
  }
  return out;
}

void decode_limits(ObjectReader reader, GatewayLimits& out) {
  size(reader, "bodyBytes", out.body_bytes);
  size(reader, "heldBodyBytes", out.held_body_bytes);
  size(reader, "retryBodyBytes", out.retry_body_bytes);
  size(reader, "headBytes", out.head_bytes);
  size(reader, "headFields", out.head_fields);
  size(reader, "maxConnections", out.max_connections);
  size(reader, "maxRequests", out.max_requests);
  reader.duration("headTimeout", out.head_timeout);
  reader.duration("bodyTimeout", out.body_timeout);
  size(reader, "bodyRate", out.body_rate);
  reader.duration("idleTimeout", out.idle_timeout);
  reader.duration("writeTimeout", out.write_timeout);
  reader.duration("connectTimeout", out.connect_timeout);
  reader.duration("firstByteTimeout", out.first_byte_timeout);
  reader.duration("streamIdleTimeout", out.stream_idle_timeout);
  count(reader, "maxAttempts", 1, 100, out.max_attempts);
  if (out.head_bytes < 1024 || out.head_bytes > (std::size_t{8} << 20))
    reader.problem("headBytes", "must be between 1Ki and 8Mi");
}

}  // namespace

void decode_policy(ObjectReader& root, ObjectMeta meta, Objects& objects) {
  PolicyObject out;
  root.object("spec", [&](ObjectReader spec) {
    spec.each("targetRefs", 16, [&](ObjectReader target) {
      out.targets.push_back(decode_ref(target, "", "Service", meta.name_space));
    });
    if (out.targets.empty()) spec.problem("targetRefs", "at least one target is required");
    spec.object("traffic",
                [&](ObjectReader reader) { out.traffic = decode_traffic(std::move(reader)); });
    spec.object("picker",
                [&](ObjectReader reader) { out.picker = decode_picker(std::move(reader)); });
    spec.object("retry",
                [&](ObjectReader reader) { out.retry = decode_policy_retry(std::move(reader)); });
    spec.object("timeouts", [&](ObjectReader reader) {
      Duration value{};
      if (reader.duration("firstByte", value)) out.first_byte_timeout = value;
      if (reader.duration("streamIdle", value)) out.stream_idle_timeout = value;
    });
    bool resume = true;
    if (spec.boolean("resumeStreams", resume)) out.resume = resume;
    if (const auto body = spec.one_of("body", {"Auto", "Held"}))
      out.body = static_cast<RuleConfig::Body>(*body);
    spec.object("directResponse",
                [&](ObjectReader reader) { out.direct = decode_direct(std::move(reader)); });
    spec.each("priorities", 16, [&](ObjectReader reader) {
      std::string backend;
      std::uint32_t level = 0;
      reader.required("backend", backend);
      count(reader, "priority", 0, 15, level);
      out.priorities.emplace_back(backend, level);
    });
  });
  out.meta = std::move(meta);
  objects.policies.push_back(std::move(out));
}

void decode_settings(ObjectReader& root, ObjectMeta meta, Objects& objects) {
  if (objects.settings) {
    root.problem("metadata.name", "a second GatewaySettings; there is one per process");
  }
  Settings out;
  root.object("spec", [&](ObjectReader spec) {
    std::string admin;
    if (spec.string("admin", admin)) {
      auto parsed = net::parse_host_port(admin);
      if (parsed) out.admin = *parsed;
      if (!parsed) spec.problem("admin", parsed.error().message());
    }
    spec.string("bindAddress", out.bind_address);
    spec.object("limits",
                [&](ObjectReader reader) { decode_limits(std::move(reader), out.limits); });
    spec.object("accessLog", [&](ObjectReader reader) {
      reader.required("path", out.access_log.path);
      size(reader, "queueLines", out.access_log.queue_lines);
    });
    spec.object("tracing", [&](ObjectReader reader) {
      reader.string("endpoint", out.tracing.endpoint);
      reader.string("serviceName", out.tracing.service_name);
      std::vector<std::pair<std::string, std::string>> headers;
      if (reader.string_map("headers", headers))
        out.tracing.headers = {headers.begin(), headers.end()};
      std::uint32_t percent = 100;
      count(reader, "samplePercent", 0, 100, percent);
      out.tracing.sample_ratio = percent / 100.0;
    });
    spec.boolean("keepRequestId", out.keep_request_id);
    count(spec, "trustedHops", 0, 16, out.trusted_hops);
  });
  objects.settings = std::move(out);
  objects.settings_where = std::move(meta.where);
}

}  // namespace nacelle::gateway
