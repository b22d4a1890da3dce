// links: gateway
// gateway_route_fuzz.cc: request targets, hosts and patterns that somebody may choose.
//
// Checks: a normalised path is a fixed point, stays below the root and matches itself; prefix
// replacement keeps the leading slash; patterns compile or are refused and end; the table answers.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "gateway/observe/access_line.h"
#include "gateway/route/host_pattern.h"
#include "gateway/route/path.h"
#include "gateway/route/route_table.h"
#include "tracing/trace_context.h"

namespace {

using namespace nacelle::gateway;

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t half = size / 2;
  const std::string_view first = bytes.substr(0, half), second = bytes.substr(half);

  const auto path = normalize_path(first);
  if (path) {
    require(is_normal_path(*path));
    require(normalize_path(*path) == *path);
    require(path_has_prefix(*path, "/"));
    require(path_has_prefix(*path, *path));
    require(replace_prefix(*path, *path, "/x").starts_with("/x"));
  }
  (void)percent_decode(second);
  (void)nacelle::tracing::parse_traceparent(first);
  require(access_line({}).ends_with("}\n"));
  (void)redact_target(bytes);
  const std::string host = host_of(second);
  const auto both = intersect_hosts("*.example.com", host);
  if (both) require(host_matches("*.example.com", *both) || both->starts_with("*."));

  const auto regex = Regex::compile(second.substr(0, 64));
  std::vector<RouteEntry> entries(3);
  entries[0].match.path.value = path && path->size() <= 1024 ? *path : "/";
  entries[0].target = 1;
  entries[1].host = "*.example.com";
  entries[1].match.headers.push_back({"x-ai-eg-model", std::string(second), nullptr});
  if (regex) {
    entries[2].match.path.type = PathMatch::Type::kRegex;
    entries[2].match.path.value = std::string(second.substr(0, 64));
    entries[2].match.path.regex = *regex;
  }
  const RouteTable table(entries);
  const nacelle::net::http::Headers headers;
  RouteQuery query;
  query.host = host;
  query.path = path ? std::string_view(*path) : first;
  query.query = second;
  query.method = "GET";
  query.headers = &headers;
  const RouteFound found = table.find(query);
  if (path) require(found.kind != RouteFound::Kind::kNone);
  query.model = second;
  require(table.find(query).kind != RouteFound::Kind::kNeedsModel);
  return 0;
}
