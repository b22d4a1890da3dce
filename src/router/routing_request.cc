#include "router/routing_request.h"

#include <algorithm>

namespace nacelle::router {

std::string_view RoutingRequest::header(std::string_view name) const {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  for (const HeaderView& header : headers) {
    if (std::equal(header.name.begin(), header.name.end(), name.begin(), name.end(),
                   [&](char a, char b) { return lower(a) == b; })) {
      return header.value;
    }
  }
  return {};
}

}  // namespace nacelle::router
