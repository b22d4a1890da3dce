#include "kube/server/handler_documents.h"

#include <algorithm>

#include <fmt/format.h>

#include "kube/server/failure.h"
#include "kube/server/resources.h"

namespace nacelle::kube::server {
namespace {

constexpr const char* kAggregatedType =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
constexpr const char* kOpenApiV2Type = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

Reply text_reply(int status, std::string text) {
  return {.status = status,
          .content_type = "text/plain; charset=utf-8",
          .body = std::move(text),
          .headers = {},
          .warnings = {}};
}

Reply document_reply(const Document& document, std::string_view if_none_match,
                     std::string content_type) {
  Reply out{.status = 200,
            .content_type = std::move(content_type),
            .body = {},
            .headers = {},
            .warnings = {}};
  const std::string etag = "\"" + document.hash + "\"";
  out.headers = {{"etag", etag}, {"vary", "Accept"}, {"cache-control", "public"}};
  if (if_none_match.find(document.hash) != std::string_view::npos) {
    out.status = 304;
  } else {
    out.body = document.bytes;
  }
  return out;
}

Reply version_reply(bool pretty) {
  return json_reply({{"major", "1"},
                     {"minor", "32"},
                     {"gitVersion", "v1.32.0+nacelle"},
                     {"gitCommit", ""},
                     {"gitTreeState", ""},
                     {"buildDate", ""},
                     {"goVersion", ""},
                     {"compiler", ""},
                     {"platform", "linux/amd64"}},
                    200, pretty);
}

Reply health_reply(State& state, const Call& call) {
  if (state.draining) return text_reply(503, "shutting down\n");
  if (!call.parameters.contains("verbose")) return text_reply(200, "ok");
  return text_reply(200, "[+]ping ok\n[+]store ok\n" + call.path.substr(1) + " check passed\n");
}

Reply discovery_root(State& state, const Call& call, bool core) {
  auto form = negotiate_discovery(call.accept);
  if (!form.ok()) return failure_reply(form.failure(), call.pretty);
  if (*form == DiscoveryForm::kAggregatedV2) {
    return document_reply(*state.documents.get(call.registry, core ? "api" : "apis"),
                          call.if_none_match, kAggregatedType);
  }
  if (!core) return json_reply(legacy_groups(*call.registry), 200, call.pretty);
  return json_reply(
      {{"kind", "APIVersions"},
       {"versions", {"v1"}},
       {"serverAddressByClientCIDRs",
        Json::array({{{"clientCIDR", "0.0.0.0/0"}, {"serverAddress", state.server_address}}})}},
      200, call.pretty);
}

std::optional<Reply> openapi_reply(State& state, const Call& call) {
  if (call.path == "/openapi/v2") {
    const bool wants_json = accepts_type(call.accept, "application/json") ||
                            accepts_type(call.accept, "*/*") || call.accept.empty();
    const bool wants_proto = call.accept.find("proto-openapi.spec.v2") != std::string::npos;
    if (wants_proto) {
      return document_reply(*state.documents.get(call.registry, "openapi/v2"), call.if_none_match,
                            kOpenApiV2Type);
    }
    if (!wants_json) return text_reply(406, "");
    return document_reply(*state.documents.get(call.registry, "openapi/v2.json"),
                          call.if_none_match, "application/json");
  }
  if (call.path == "/openapi/v3") {
    return document_reply(*state.documents.get(call.registry, "openapi/v3"), call.if_none_match,
                          "application/json");
  }
  constexpr std::string_view kPrefix = "/openapi/v3/";
  if (!call.path.starts_with(kPrefix)) return std::nullopt;
  const std::string key = call.path.substr(kPrefix.size());
  const DocumentPtr document = state.documents.get(call.registry, key);
  if (document == nullptr) return failure_reply(no_such_resource(), call.pretty);
  const std::string hash = call.parameter("hash");
  if (!hash.empty() && hash != document->hash) {
    Reply moved = text_reply(301, "");
    moved.headers.emplace_back("location",
                               fmt::format("/openapi/v3/{}?hash={}", key, document->hash));
    return moved;
  }
  Reply out = document_reply(*document, "", "application/json");
  // A document under its hash never changes.
  if (!hash.empty()) out.headers[2].second = "public, immutable";
  return out;
}

std::optional<Reply> group_reply(const Call& call) {
  std::string_view rest = call.path;
  while (rest.size() > 1 && rest.ends_with('/')) rest.remove_suffix(1);
  if (rest == "/api/v1")
    return json_reply(legacy_resources(*call.registry, "", "v1"), 200, call.pretty);
  constexpr std::string_view kPrefix = "/apis/";
  if (!rest.starts_with(kPrefix)) return std::nullopt;
  rest.remove_prefix(kPrefix.size());
  const std::size_t slash = rest.find('/');
  const std::string_view group = rest.substr(0, slash);
  if (slash == std::string_view::npos) {
    for (const GroupEntry& one : groups_of(*call.registry)) {
      if (one.name != group) continue;
      Json body = legacy_group({one.name, one.versions});
      body["kind"] = "APIGroup";
      body["apiVersion"] = "v1";
      return json_reply(body, 200, call.pretty);
    }
    return plain_not_found();
  }
  const std::string_view version = rest.substr(slash + 1);
  if (version.find('/') != std::string_view::npos) return std::nullopt;
  if (!has_group_version(*call.registry, group, version)) return plain_not_found();
  return json_reply(legacy_resources(*call.registry, group, version), 200, call.pretty);
}

Json root_paths(const Call& call) {
  Json paths = {"/api", "/api/v1", "/apis"};
  for (const std::string& path : group_version_paths(*call.registry)) {
    if (path.starts_with("apis/")) paths.push_back("/" + path);
  }
  for (const char* path :
       {"/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"}) {
    paths.push_back(path);
  }
  return {{"paths", std::move(paths)}};
}

}  // namespace

Reply plain_not_found() { return text_reply(404, "404 page not found\n"); }

bool has_group_version(const schema::Registry& registry, std::string_view group,
                       std::string_view version) {
  if (group.empty()) return version == "v1";
  const auto groups = groups_of(registry);
  return std::any_of(groups.begin(), groups.end(), [&](const GroupEntry& one) {
    return one.name == group &&
           std::find(one.versions.begin(), one.versions.end(), version) != one.versions.end();
  });
}

std::optional<Reply> serve_document(State& state, const Call& call) {
  if (call.method != "GET") return std::nullopt;
  if (call.path == "/version") return version_reply(call.pretty);
  if (call.path == "/healthz" || call.path == "/livez" || call.path == "/readyz") {
    return health_reply(state, call);
  }
  if (call.path == "/") return json_reply(root_paths(call), 200, call.pretty);
  if (call.path == "/api" || call.path == "/api/") return discovery_root(state, call, true);
  if (call.path == "/apis" || call.path == "/apis/") return discovery_root(state, call, false);
  if (call.path.starts_with("/openapi/")) return openapi_reply(state, call);
  return group_reply(call);
}

}  // namespace nacelle::kube::server
