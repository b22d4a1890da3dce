#include "gateway/header_rules.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "openai/routing_headers.h"

namespace nacelle::gateway {
namespace {

using net::http::equals_ignore_case;

constexpr std::array<std::string_view, 9> kHopByHop = {"connection",
                                                       "keep-alive",
                                                       "proxy-connection",
                                                       "proxy-authenticate",
                                                       "proxy-authorization",
                                                       "transfer-encoding",
                                                       "te",
                                                       "trailer",
                                                       "upgrade"};

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& list, std::string_view name) {
  return std::any_of(list.begin(), list.end(),
                     [name](std::string_view one) { return equals_ignore_case(one, name); });
}

bool starts_with_ignore_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && equals_ignore_case(text.substr(0, prefix.size()), prefix);
}

bool is_hop_by_hop(std::string_view name) {
  switch (name.empty() ? 0 : name[0] | 0x20) {  // most names end here
    case 'c':
    case 'k':
    case 'p':
    case 't':
    case 'u':
      return is_one_of(kHopByHop, name);
    default:
      return false;
  }
}

// The fields that Connection names besides close and keep-alive; rare.
std::vector<std::string> named_by_connection(const net::http::Headers& headers) {
  std::vector<std::string> named;
  for (const auto& field : headers) {
    if (!equals_ignore_case(field.name, "connection")) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      std::string_view token = rest.substr(0, comma);
      while (!token.empty() && (token.front() == ' ' || token.front() == '\t'))
        token.remove_prefix(1);
      while (!token.empty() && (token.back() == ' ' || token.back() == '\t'))
        token.remove_suffix(1);
      if (!token.empty() && !equals_ignore_case(token, "close") &&
          !equals_ignore_case(token, "keep-alive")) {
        named.emplace_back(token);
      }
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return named;
}

bool is_named(const std::vector<std::string>& named, std::string_view name) {
  return std::any_of(named.begin(), named.end(),
                     [name](const std::string& one) { return equals_ignore_case(one, name); });
}

}  // namespace

void prepare_request_headers(net::http::Headers& headers, const ForwardedBy& by) {
  const std::vector<std::string> named = named_by_connection(headers);
  headers.remove_if([&](const net::http::Headers::Field& field) {
    return is_hop_by_hop(field.name) || openai::is_system_header(field.name) ||
           (!named.empty() && is_named(named, field.name)) ||
           // Answered by the gateway, which takes the body itself.
           equals_ignore_case(field.name, "expect");
  });
  if (const auto earlier = headers.find("x-forwarded-for")) {
    headers.set_known("x-forwarded-for", std::string(*earlier) + ", " + std::string(by.peer_ip));
  } else {
    headers.set_known("x-forwarded-for", by.peer_ip);
  }
  if (by.trusted_hops == 0 || !headers.contains("x-forwarded-proto"))
    headers.set_known("x-forwarded-proto", by.scheme);
  if (by.trusted_hops == 0 || !headers.contains("x-forwarded-host")) {
    if (const auto host = headers.find("host")) headers.set_known("x-forwarded-host", *host);
  }
  if (!by.request_id.empty()) headers.set_known("x-request-id", by.request_id);
}

void prepare_response_headers(net::http::Headers& headers) {
  const std::vector<std::string> named = named_by_connection(headers);
  headers.remove_if([&](const net::http::Headers::Field& field) {
    return is_hop_by_hop(field.name) || (!named.empty() && is_named(named, field.name)) ||
           // Which endpoint was asked is nobody's business outside.
           starts_with_ignore_case(field.name, "x-gateway-destination-endpoint");
  });
}

}  // namespace nacelle::gateway
