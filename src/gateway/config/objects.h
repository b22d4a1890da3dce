// objects.h: the objects of a configuration as they were written, typed and each valid in itself;
// references between them are resolved by compile.h.
//
// Home:    values; any thread.
// Source:  gateway.md sections 1 and 4.1.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/config/model.h"
#include "gateway/config/object_list.h"
#include "gateway/filter/cors.h"
#include "gateway/filter/header_modifier.h"
#include "gateway/filter/rewrite.h"
#include "gateway/route/match.h"

namespace nacelle::gateway {

inline constexpr const char* kGatewayGroup = "gateway.networking.k8s.io";
inline constexpr const char* kPoolGroup = "inference.networking.k8s.io";
inline constexpr const char* kOwnGroup = "gateway.nacelle.dev";
inline constexpr const char* kEnvoyGroup = "gateway.envoyproxy.io";

struct ObjectMeta {
  std::string where;  // "file:line: Kind namespace/name:" for problems
  std::string name_space = "default";
  std::string name;
  std::string created;  // RFC 3339
  std::map<std::string, std::string> labels, annotations;

  [[nodiscard]] std::string full_name() const { return name_space + "/" + name; }
};

struct ObjectRef {
  std::string where;  // of the reference
  std::string group, kind, name_space, name, section;
  std::optional<std::uint16_t> port;
  friend bool operator==(const ObjectRef&, const ObjectRef&) = default;
};

struct ListenerObject {
  enum class From : std::uint8_t { kSame, kAll, kSelector };
  std::string where, name, hostname, protocol;
  std::uint16_t port = 0;
  std::vector<ObjectRef> certificates;
  std::vector<ObjectRef> client_authorities;
  bool client_certificate_optional = false;
  From from = From::kSame;
  std::map<std::string, std::string> selector;
  std::vector<std::string> kinds;
};

struct GatewayObject {
  ObjectMeta meta;
  std::string class_name;
  std::vector<std::string> addresses;
  std::vector<ListenerObject> listeners;
  std::optional<ObjectRef> backend_certificate;  // shown to TLS upstreams
};

struct GatewayClassObject {
  ObjectMeta meta;
  std::string controller;
};

struct MirrorObject {
  ObjectRef backend;
  std::uint32_t numerator = 100, denominator = 100;
};

struct FiltersObject {
  std::optional<HeaderModifier> request_headers, response_headers;
  std::optional<Redirect> redirect;
  std::optional<Rewrite> rewrite;
  std::optional<Cors> cors;
  std::vector<MirrorObject> mirrors;
  bool unknown = false;  // a filter that is not ours: the rule answers 500
};

struct BackendObject {
  ObjectRef ref;
  std::uint32_t weight = 1;
  std::uint32_t priority = 0;
  std::string name;  // in logs and metrics; "" = the reference's
  FiltersObject filters;
};

struct RuleObject {
  std::string where, name;
  std::vector<RouteMatch> matches;
  FiltersObject filters;
  std::vector<BackendObject> backends;
  std::optional<Duration> request_timeout, backend_timeout;
  std::optional<RetryConfig> retry;
  std::optional<SessionConfig> session;
  std::optional<Duration> stream_idle_timeout;
  std::uint32_t tag = kNoTag;  // of the part that made it
};

struct RouteObject {
  ObjectMeta meta;
  std::string group = kGatewayGroup, kind = "HTTPRoute";
  std::string label = "httproute";  // in the names of clusters that logs and metrics show
  bool every_listener = false;      // it has no parents and needs none
  std::vector<ObjectRef> parents;
  std::vector<std::string> hostnames;
  std::vector<RuleObject> rules;
};

struct GrantObject {
  ObjectMeta meta;
  std::vector<ObjectRef> from;  // group, kind, name_space
  std::vector<ObjectRef> to;    // group, kind, name or ""
};

struct BackendTlsObject {
  ObjectMeta meta;
  std::vector<ObjectRef> targets;
  std::vector<ObjectRef> authorities;
  bool system_authorities = false;
  std::string hostname;
  std::vector<std::string> alternative_names;
};

struct ServicePort {
  std::string name, target_name, protocol;  // appProtocol
  std::uint16_t port = 0, target = 0;
};
struct ServiceObject {
  ObjectMeta meta;
  std::vector<ServicePort> ports;
  bool external_name = false;
};
struct SliceObject {
  ObjectMeta meta;
  std::string service;
  std::vector<std::pair<std::string, std::uint16_t>> ports;  // name and number
  std::vector<std::string> addresses;                        // of the ready ones
};

// gateway.envoyproxy.io Backend: endpoints by name or address, outside of any cluster.
struct ExternalBackendObject {
  ObjectMeta meta;
  std::vector<net::HostPort> endpoints;
  bool tls = false;         // written, or understood from port 443
  std::string server_name;  // "" = the endpoints' own name
  std::vector<ObjectRef> authorities;
  std::optional<ObjectRef> certificate;  // that we show
  bool http2 = false;
};

// An object of a part (part.h): what every object has.
struct PartObject {
  ObjectMeta meta;
  std::string kind;
};

struct PoolObject {
  ObjectMeta meta;
  std::vector<std::uint16_t> ports;
  std::vector<std::pair<std::string, std::string>> selector;  // labels of its pods
  bool http2 = false;
};

// A pod that may serve: ready, with an address, and not on its way out.
struct PodObject {
  std::string name_space, address;
  std::map<std::string, std::string> labels;
  friend bool operator==(const PodObject&, const PodObject&) = default;
};

// gateway.nacelle.dev StaticEndpoints: who is behind a Service or an InferencePool, written down.
struct StaticEndpointsObject {
  ObjectMeta meta;
  std::vector<ObjectRef> targets;
  std::vector<std::string> addresses;  // host:port
};

// gateway.nacelle.dev GatewayPolicy: what Gateway API has no field for.
struct PolicyObject {
  ObjectMeta meta;
  std::vector<ObjectRef> targets;
  std::optional<TrafficConfig> traffic;  // of Service and InferencePool
  std::optional<PickerConfig> picker;    // of InferencePool
  std::optional<RetryConfig> retry;      // of HTTPRoute, from here on
  std::optional<Duration> first_byte_timeout, stream_idle_timeout;
  std::optional<bool> resume;  // streams go on elsewhere
  std::optional<RuleConfig::Body> body;
  std::optional<DirectResponse> direct;
  std::vector<std::pair<std::string, std::uint32_t>> priorities;  // backend name to level
};

struct SecretObject {
  ObjectMeta meta;
  std::string type;
  std::map<std::string, std::string> data;
};

// InferenceObjective or InferenceModelRewrite: the picker reads them.
struct PickerObject {
  std::string name_space, pool;  // "" = of any pool
  std::string text;              // JSON
};

struct Objects {
  ObjectList<GatewayClassObject> classes;
  ObjectList<GatewayObject> gateways;
  ObjectList<RouteObject> routes;
  ObjectList<GrantObject> grants;
  ObjectList<BackendTlsObject> backend_tls;
  ObjectList<ServiceObject> services;
  ObjectList<SliceObject> slices;
  ObjectList<PoolObject> pools;
  std::optional<ObjectList<PodObject>> pods;  // set: pools find their endpoints among them
  ObjectList<ExternalBackendObject> backends;
  ObjectList<PartObject> part_objects;
  ObjectList<StaticEndpointsObject> endpoints;
  ObjectList<PolicyObject> policies;
  ObjectList<PickerObject> picker_objects;
  ObjectList<SecretObject> secrets;
  ObjectList<SecretObject> config_maps;
  std::map<std::string, std::map<std::string, std::string>> namespaces;  // labels by name
  std::optional<Settings> settings;
  std::string settings_where;
};

}  // namespace nacelle::gateway
