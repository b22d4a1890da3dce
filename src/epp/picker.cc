#include "epp/picker.h"

#include <algorithm>

namespace nacelle::epp {
namespace {

std::string_view host_of(std::string_view endpoint) {
  return endpoint.substr(0, endpoint.rfind(':'));
}

}  // namespace

std::string random_endpoint(const router::PoolSnapshot& pool, std::uint64_t random) {
  std::size_t serving = 0;
  for (const auto& endpoint : pool.endpoints) serving += endpoint.serving ? 1 : 0;
  if (serving == 0) return {};
  std::uint64_t nth = random % serving;
  for (const auto& endpoint : pool.endpoints) {
    if (endpoint.serving && nth-- == 0) return endpoint.address;
  }
  return {};
}

std::vector<std::string_view> endpoints_of_hosts(const router::PoolSnapshot& pool,
                                                 const std::vector<std::string>& hints) {
  std::vector<std::string_view> out;
  for (const auto& endpoint : pool.endpoints) {
    const std::string_view host = host_of(endpoint.address);
    if (std::any_of(hints.begin(), hints.end(),
                    [&](const std::string& hint) { return host_of(hint) == host; })) {
      out.push_back(endpoint.address);
    }
  }
  return out;
}

}  // namespace nacelle::epp
