#include "serve/http/cors.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace nacelle::serve {
namespace {

constexpr std::string_view kAllMethods = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";

bool has(const std::vector<std::string>& list, std::string_view item) {
  return std::find_if(list.begin(), list.end(), [&](const std::string& entry) {
           return entry == "*" || entry == item;
         }) != list.end();
}

bool is_wildcard(const std::vector<std::string>& list) {
  return std::find(list.begin(), list.end(), "*") != list.end();
}

std::string join(const std::vector<std::string>& list) {
  return fmt::format("{}", fmt::join(list, ", "));
}

}  // namespace

bool is_preflight(const net::http::RequestHead& request) {
  return request.method == "OPTIONS" && request.headers.contains("origin") &&
         request.headers.contains("access-control-request-method");
}

void add_cors_headers(const net::http::RequestHead& request, const CorsConfig& cors,
                      net::http::Headers& out) {
  const auto origin = request.headers.find("origin");
  if (!origin || !has(cors.allowed_origins, *origin)) return;
  // Credentials are never allowed for "any origin", so that one is named then.
  const bool any = is_wildcard(cors.allowed_origins) && !cors.allow_credentials;
  out.set("access-control-allow-origin", any ? std::string_view("*") : *origin);
  if (!any) out.add("vary", "Origin");
  if (cors.allow_credentials) out.set("access-control-allow-credentials", "true");
}

bool add_preflight_headers(const net::http::RequestHead& request, const CorsConfig& cors,
                           net::http::Headers& out) {
  if (!has(cors.allowed_origins, request.headers.get("origin"))) return false;
  if (!has(cors.allowed_methods, request.headers.get("access-control-request-method"))) {
    return false;
  }
  add_cors_headers(request, cors, out);
  out.set("access-control-allow-methods",
          is_wildcard(cors.allowed_methods) ? kAllMethods : join(cors.allowed_methods));
  out.set("access-control-max-age", "600");
  if (!is_wildcard(cors.allowed_headers)) {
    out.set("access-control-allow-headers", join(cors.allowed_headers));
  } else if (const auto asked = request.headers.find("access-control-request-headers")) {
    out.set("access-control-allow-headers", *asked);
  }
  return true;
}

}  // namespace nacelle::serve
