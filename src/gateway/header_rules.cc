#include "gateway/header_rules.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace nacelle::gateway {
namespace {

constexpr std::array<std::string_view, 9> kHopByHop = {"connection",
                                                       "keep-alive",
                                                       "proxy-connection",
                                                       "proxy-authenticate",
                                                       "proxy-authorization",
                                                       "transfer-encoding",
                                                       "te",
                                                       "trailer",
                                                       "upgrade"};

// Owned by the system: taken from a client they would steer routing or forge its outcome.
constexpr std::array<std::string_view, 4> kSystemOwned = {
    "x-gateway-destination-endpoint", "x-gateway-destination-endpoint-served",
    "x-prefiller-host-port", "x-data-parallel-host-port"};

void remove_hop_by_hop(net::http::Headers& headers) {
  std::vector<std::string> named;  // by Connection; rare beyond "keep-alive" and "close"
  for (const auto& field : headers) {
    if (!net::http::equals_ignore_case(field.name, "connection")) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      std::string_view token = rest.substr(0, comma);
      while (!token.empty() && (token.front() == ' ' || token.front() == '\t'))
        token.remove_prefix(1);
      while (!token.empty() && (token.back() == ' ' || token.back() == '\t'))
        token.remove_suffix(1);
      if (!token.empty() && !net::http::equals_ignore_case(token, "close") &&
          !net::http::equals_ignore_case(token, "keep-alive")) {
        named.emplace_back(token);
      }
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  const auto is = [](std::string_view name) {
    return [name](std::string_view other) { return net::http::equals_ignore_case(name, other); };
  };
  headers.remove_if([&](const net::http::Headers::Field& field) {
    return std::any_of(kHopByHop.begin(), kHopByHop.end(), is(field.name)) ||
           std::any_of(named.begin(), named.end(), is(field.name));
  });
}

}  // namespace

void prepare_request_headers(net::http::Headers& headers, std::string_view peer_ip,
                             std::string_view request_id) {
  remove_hop_by_hop(headers);
  for (const std::string_view name : kSystemOwned) headers.remove(name);
  headers.remove("expect");  // answered by the gateway, which holds the whole body
  if (const auto earlier = headers.find("x-forwarded-for")) {
    headers.set("x-forwarded-for", std::string(*earlier) + ", " + std::string(peer_ip));
  } else {
    headers.add("x-forwarded-for", peer_ip);
  }
  if (!headers.contains("x-request-id")) headers.add("x-request-id", request_id);
}

void prepare_response_headers(net::http::Headers& headers) {
  remove_hop_by_hop(headers);
  headers.remove("content-length");  // set by the writer from what is sent
}

}  // namespace nacelle::gateway
