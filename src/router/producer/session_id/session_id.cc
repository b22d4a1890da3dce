#include "router/producer/session_id/session_id.h"

#include <algorithm>

namespace nacelle::router {

std::shared_ptr<Plugin> SessionId::make(Fields& fields, BuildContext&) {
  std::string header, cookie;
  fields.text("headerName", header);
  fields.text("cookieName", cookie);
  if (!header.empty() && !cookie.empty()) {
    fields.problem("cookieName", "headerName is set too; one of them names the session");
  }
  if (header.empty() && cookie.empty()) header = "x-session-id";
  std::transform(header.begin(), header.end(), header.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return std::make_shared<SessionId>(std::move(header), std::move(cookie));
}

std::string_view SessionId::of(const RoutingRequest& request) const {
  if (!header_.empty()) return request.header(header_);
  return cookie_value(request.header("cookie"), cookie_);
}

std::string_view cookie_value(std::string_view header, std::string_view name) {
  while (!header.empty()) {
    const std::size_t end = std::min(header.find(';'), header.size());
    std::string_view pair = header.substr(0, end);
    header.remove_prefix(std::min(end + 1, header.size()));
    while (!pair.empty() && (pair.front() == ' ' || pair.front() == '\t')) pair.remove_prefix(1);
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') {
      return pair.substr(name.size() + 1);
    }
  }
  return {};
}

}  // namespace nacelle::router
