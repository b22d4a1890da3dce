// model.h: the gateway's configuration, resolved and immutable: what a snapshot of the running
// gateway is built from.
//
// Home:    immutable values behind shared_ptr<const GatewayModel>; any thread.
// Bounds:  defaults stand beside each field; 0 means no limit where a duration says so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "gateway/filter/cors.h"
#include "gateway/filter/header_modifier.h"
#include "gateway/filter/rewrite.h"
#include "gateway/route/match.h"
#include "net/address.h"
#include "tracing/config.h"

namespace nacelle::gateway {

// When an attempt is made again on another endpoint.
struct RetryConfig {
  std::uint32_t attempts = 1;      // after the first one
  bool on_connect_failure = true;  // nothing was sent
  bool on_reset = true;            // broke off before the answer's first byte
  bool on_timeout = true;          // the attempt's own time limit
  std::vector<int> statuses;       // answers that are tried again, 400 to 599
  Duration backoff_base = 25ms;    // doubled per attempt, fully jittered
  Duration backoff_max = 250ms;
  bool fixed_backoff = false;      // wait at least backoff_base (Gateway API's retry.backoff)
  bool honour_retry_after = true;  // at most backoff_max or 1 s, whichever is longer
  std::uint32_t attempts_per_priority = 0;  // then the next level of backends; 0 = never by count
  friend bool operator==(const RetryConfig&, const RetryConfig&) = default;
};

struct SessionConfig {
  bool header = false;  // else a cookie
  std::string name = "nacelle-session";
  std::string path = "/";
  std::int64_t max_age_seconds = 0;  // 0 = until the browser closes
};

struct OutlierConfig {
  std::uint32_t consecutive_5xx = 5;             // 0 = off
  std::uint32_t consecutive_gateway_errors = 0;  // 502, 503, 504 and broken connections; 0 = off
  Duration base_ejection = 30s;                  // times the number of ejections in a row
  Duration max_ejection = 300s;
  std::uint32_t max_ejected_percent = 10;  // at least one endpoint may be out
  std::uint32_t panic_percent = 50;        // fewer healthy ones: all are used
  friend bool operator==(const OutlierConfig&, const OutlierConfig&) = default;
};

struct BreakerConfig {
  std::uint32_t max_connections = 1024;  // busy ones; HTTP/1.1 has one per request
  std::uint32_t max_requests = 1024;
  std::uint32_t retry_percent = 20;  // of the requests in hand
  std::uint32_t min_retries = 3;     // always allowed at once
  friend bool operator==(const BreakerConfig&, const BreakerConfig&) = default;
};

struct HealthCheckConfig {
  std::string path = "/health";
  Duration interval = 5s;
  Duration timeout = 1s;
  std::uint32_t unhealthy = 3, healthy = 1;  // results in a row
  friend bool operator==(const HealthCheckConfig&, const HealthCheckConfig&) = default;
};

// How a cluster of endpoints is used.
struct TrafficConfig {
  enum class Balance : std::uint8_t { kLeastRequest, kRoundRobin, kRandom, kRingHash };
  Balance balance = Balance::kLeastRequest;
  std::string hash_header;  // of kRingHash; "" = the client's address
  BreakerConfig breaker;
  std::optional<OutlierConfig> outlier = OutlierConfig();
  std::optional<HealthCheckConfig> health_check;
  Duration connect_timeout = 5s;
  friend bool operator==(const TrafficConfig&, const TrafficConfig&) = default;
};

// How an InferencePool's picker is made; apps/ reads it.
struct PickerConfig {
  std::string policy = "prefix-aware";
  std::string plugins;  // the text of an EndpointPickerConfig; "" = the policy
  std::string objects;  // InferenceObjectives and InferenceModelRewrites of the pool, as documents
  Duration scrape_interval = 100ms;
  friend bool operator==(const PickerConfig&, const PickerConfig&) = default;
};

struct CertificateConfig {
  std::string name;              // of the Secret
  std::string certificate, key;  // PEM; the key is never printed
  friend bool operator==(const CertificateConfig&, const CertificateConfig&) = default;
};

struct UpstreamTls {
  std::string server_name;
  std::vector<std::string> alternative_names;
  std::string authorities;        // PEM; "" = the system's
  CertificateConfig certificate;  // ours; without a name: none is shown
  friend bool operator==(const UpstreamTls&, const UpstreamTls&) = default;
};

struct ClusterConfig {
  enum class Kind : std::uint8_t { kEndpoints, kPool };
  std::string name;  // "service/ns/name/port" or "pool/ns/name"
  Kind kind = Kind::kEndpoints;
  std::vector<std::string> endpoints;  // host:port
  bool discovered = false;             // of kPool: they come and go, and there may be none
  // Of discovered endpoints, by address: roles and the like, for the picker.
  std::map<std::string, std::map<std::string, std::string>> labels;
  bool http2 = false;  // by prior knowledge; over TLS by ALPN, and nothing else
  std::optional<UpstreamTls> tls;
  TrafficConfig traffic;
  PickerConfig picker;  // of kPool
  friend bool operator==(const ClusterConfig&, const ClusterConfig&) = default;
};

// What an extension calls a rule or backend that it made; kNoTag: made by a route of our own.
inline constexpr std::uint32_t kNoTag = UINT32_MAX;

struct FilterSet {
  std::optional<HeaderModifier> request_headers, response_headers;
  std::optional<Redirect> redirect;
  std::optional<Rewrite> rewrite;
};

inline constexpr std::uint32_t kNoCluster = UINT32_MAX;

struct BackendConfig {
  std::uint32_t cluster = kNoCluster;  // kNoCluster: its share is answered with 500
  std::uint32_t weight = 1;
  std::uint32_t priority = 0;
  std::string name;  // "namespace/name"
  FilterSet filters;
  std::uint32_t tag = kNoTag;
};

struct MirrorConfig {
  std::uint32_t cluster = kNoCluster;
  std::uint32_t numerator = 100, denominator = 100;
};

// What a rule answers by itself.
struct DirectResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
};

struct RuleConfig {
  // kAuto: held when the rule needs the whole body (a pool, a mirror), else passed through.
  enum class Body : std::uint8_t { kAuto, kHeld };
  std::string route;         // "namespace/name"
  std::string cluster_name;  // "httproute/<ns>/<name>/rule/<i>": what logs and metrics call it
  std::string name;          // of the rule; may be ""
  FilterSet filters;
  std::optional<Cors> cors;
  std::vector<MirrorConfig> mirrors;
  std::optional<DirectResponse> direct;  // no backend is asked
  std::vector<BackendConfig> backends;
  Duration request_timeout{};      // all attempts; 0 = none
  Duration backend_timeout{};      // one attempt, until its answer is complete
  Duration first_byte_timeout{};   // of one attempt
  Duration stream_idle_timeout{};  // between two pieces of an answer
  std::optional<RetryConfig> retry;
  std::optional<SessionConfig> session;
  Body body = Body::kAuto;
  bool resume = true;          // a pool's event stream goes on elsewhere when its engine dies
  bool holds_body = false;     // what kAuto came to
  bool invalid = false;        // answers 500
  std::uint32_t tag = kNoTag;  // set: served with the extension only, 404 for requests without
};

struct ListenerConfig {
  std::string name;  // "namespace/gateway/listener"
  std::string hostname;
  std::vector<CertificateConfig> certificates;  // empty: plain HTTP
  std::string client_authorities;               // PEM; "" = no client certificates
  bool client_certificate_optional = false;
  friend bool operator==(const ListenerConfig&, const ListenerConfig&) = default;
};

struct PortConfig {
  net::HostPort address;
  bool tls = false;
  std::vector<ListenerConfig> listeners;
  std::vector<std::vector<RouteEntry>> routes;  // by listener, to `rules`; a snapshot takes them
};

struct AccessLogConfig {
  std::string path;  // "" = off, "-" = standard output
  std::size_t queue_lines = 8192;
};

struct GatewayLimits {
  std::size_t body_bytes = std::size_t{50} << 20;        // 413 beyond
  std::size_t held_body_bytes = std::size_t{1} << 30;    // all held bodies together; 503 beyond
  std::size_t retry_body_bytes = std::size_t{64} << 10;  // kept of a streamed body for retries
  std::size_t head_bytes = 60 * 1024;                    // 431 beyond
  std::size_t head_fields = 100;
  std::size_t max_connections = 20'000;
  std::size_t max_requests = 0;  // in hand; 0 = no limit; 503 beyond
  Duration head_timeout = 15s;
  Duration body_timeout = 30s;   // without progress
  std::size_t body_rate = 240;   // bytes/s of a whole body (forward/body_patience.h); 0 = any
  Duration idle_timeout = 60s;   // of a connection without requests
  Duration write_timeout = 60s;  // without progress, towards the client
  Duration connect_timeout = 2s;
  // From the request's last byte to the first piece of the answer's body; 0 = no limit: a prefill
  // or an engine's queue may be long.
  Duration first_byte_timeout{};
  Duration stream_idle_timeout = 300s;  // between two pieces of an answer; 0 = no limit
  std::uint32_t max_attempts = 3;  // endpoints tried before the first byte, where no retry is set
};

struct Settings {
  net::HostPort admin{"127.0.0.1", 8081};
  std::string bind_address = "0.0.0.0";  // of listeners of gateways without addresses
  GatewayLimits limits;
  AccessLogConfig access_log;
  tracing::TracingConfig tracing{.service_name = "nacelle-gateway"};
  bool keep_request_id = true;     // a client's x-request-id
  std::uint32_t trusted_hops = 0;  // proxies in front whose x-forwarded-for entries are believed
};

class Extension;  // extension.h

struct GatewayModel {
  Settings settings;
  std::vector<PortConfig> ports;
  std::vector<RuleConfig> rules;
  std::vector<ClusterConfig> clusters;
  std::shared_ptr<const Extension> extension;  // may be null
};

// Decides what kAuto means in each rule: a pool and a mirror need the whole body, others stream.
inline void settle_bodies(GatewayModel& model) {
  for (RuleConfig& rule : model.rules) {
    bool whole = !rule.mirrors.empty();
    for (const BackendConfig& backend : rule.backends) {
      if (backend.cluster == kNoCluster) continue;
      const ClusterConfig& cluster = model.clusters[backend.cluster];
      whole = whole || cluster.kind == ClusterConfig::Kind::kPool || cluster.http2;
    }
    rule.holds_body = rule.body == RuleConfig::Body::kHeld || whole;
  }
}

}  // namespace nacelle::gateway
