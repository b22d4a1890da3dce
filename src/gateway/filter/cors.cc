#include "gateway/filter/cors.h"

#include <algorithm>

#include <fmt/format.h>

namespace nacelle::gateway {
namespace {

bool is_any(const std::vector<std::string>& list) { return list.size() == 1 && list[0] == "*"; }

// "https://*.example.com" with one or more labels in the place of the star.
bool origin_matches(std::string_view pattern, std::string_view origin) {
  if (pattern == "*" || pattern == origin) return true;
  const std::size_t star = pattern.find("://*.");
  if (star == std::string_view::npos) return false;
  const std::string_view scheme = pattern.substr(0, star + 3);
  const std::string_view suffix = pattern.substr(star + 4);
  return origin.size() > scheme.size() + suffix.size() && origin.starts_with(scheme) &&
         origin.ends_with(suffix) &&
         origin.substr(scheme.size()).find('/') == std::string_view::npos;
}

std::string joined(const std::vector<std::string>& list) {
  return fmt::format("{}", fmt::join(list, ", "));
}

}  // namespace

bool Cors::allows(std::string_view origin) const {
  return std::any_of(origins.begin(), origins.end(), [origin](const std::string& pattern) {
    return origin_matches(pattern, origin);
  });
}

bool Cors::is_preflight(const net::http::RequestHead& request) {
  return request.method == "OPTIONS" && request.headers.contains("origin") &&
         request.headers.contains("access-control-request-method");
}

net::http::ResponseHead Cors::preflight(const net::http::RequestHead& request) const {
  net::http::ResponseHead head;
  head.status = 204;
  const std::string_view origin = request.headers.get("origin");
  if (!allows(origin)) return head;
  decorate(origin, head.headers);
  head.headers.remove("access-control-expose-headers");
  // A list of "*" means nothing with credentials: the wanted names are repeated instead.
  const std::string_view method = request.headers.get("access-control-request-method");
  head.headers.add("access-control-allow-methods",
                   is_any(methods) ? std::string(method) : joined(methods));
  const std::string_view wanted = request.headers.get("access-control-request-headers");
  if (is_any(headers) && !wanted.empty()) {
    head.headers.add("access-control-allow-headers", wanted);
  } else if (!headers.empty() && !is_any(headers)) {
    head.headers.add("access-control-allow-headers", joined(headers));
  }
  head.headers.add("access-control-max-age", std::to_string(max_age_seconds));
  return head;
}

void Cors::decorate(std::string_view origin, net::http::Headers& response) const {
  response.remove_if([](const net::http::Headers::Field& field) {
    constexpr std::string_view kPrefix = "access-control-";
    return net::http::equals_ignore_case(field.name.substr(0, kPrefix.size()), kPrefix);
  });
  if (origin.empty() || !allows(origin)) return;
  const bool any = is_any(origins) && !credentials;
  response.add("access-control-allow-origin", any ? "*" : origin);
  if (!any) response.add("vary", "Origin");
  if (credentials) response.add("access-control-allow-credentials", "true");
  if (!expose.empty()) response.add("access-control-expose-headers", joined(expose));
}

}  // namespace nacelle::gateway
