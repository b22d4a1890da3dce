#include "gateway/route/host_pattern.h"

#include <algorithm>

namespace nacelle::gateway {
namespace {

bool is_any(std::string_view pattern) { return pattern.empty() || pattern == "*"; }
bool is_wildcard(std::string_view pattern) { return pattern.starts_with("*."); }

}  // namespace

bool host_matches(std::string_view pattern, std::string_view host) {
  if (is_any(pattern)) return true;
  if (!is_wildcard(pattern)) return pattern == host;
  const std::string_view suffix = pattern.substr(1);  // ".example.com"
  return host.size() > suffix.size() && host.ends_with(suffix);
}

std::optional<std::string> intersect_hosts(std::string_view a, std::string_view b) {
  if (is_any(a)) return std::string(is_any(b) ? "" : b);
  if (is_any(b)) return std::string(a);
  if (is_wildcard(a) && is_wildcard(b)) {
    // "*.b.c" lies within "*.c": what the longer one matches, the shorter one matches too.
    const std::string_view longer = a.size() >= b.size() ? a : b;
    const std::string_view shorter = a.size() >= b.size() ? b : a;
    if (longer.substr(1).ends_with(shorter.substr(1))) return std::string(longer);
    return std::nullopt;
  }
  if (is_wildcard(a)) {
    if (host_matches(a, b)) return std::string(b);
    return std::nullopt;
  }
  if (host_matches(b, a)) return std::string(a);
  return std::nullopt;
}

std::string host_of(std::string_view authority) {
  if (authority.starts_with("[")) {
    const std::size_t close = authority.find(']');
    authority = authority.substr(1, close == std::string_view::npos ? close : close - 1);
  } else if (const std::size_t colon = authority.rfind(':'); colon != std::string_view::npos) {
    authority = authority.substr(0, colon);
  }
  if (authority.ends_with(".")) authority.remove_suffix(1);
  std::string host(authority);
  std::transform(host.begin(), host.end(), host.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return host;
}

Status check_hostname(std::string_view name, Wildcard wildcard) {
  std::string_view rest = name;
  if (rest.starts_with("*.")) {
    if (wildcard == Wildcard::kRefused)
      return invalid_argument("'{}' may not have a wildcard", name);
    rest.remove_prefix(2);
  }
  if (rest.empty() || name.size() > 253) {
    return invalid_argument("'{}' is not a hostname of 1 to 253 bytes", name);
  }
  while (true) {
    const std::size_t dot = std::min(rest.find('.'), rest.size());
    const std::string_view label = rest.substr(0, dot);
    const bool fine = !label.empty() && label.size() <= 63 && label.front() != '-' &&
                      label.back() != '-' && std::all_of(label.begin(), label.end(), [](char c) {
                        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
                      });
    if (!fine) {
      return invalid_argument("'{}' is not a lower-case DNS name (label '{}')", name, label);
    }
    if (dot == rest.size()) return {};
    rest.remove_prefix(dot + 1);
  }
}

}  // namespace nacelle::gateway
