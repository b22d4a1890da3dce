#include "epp/pool_choice.h"

namespace nacelle::epp {
namespace {

// The only position for which `fits` holds.
template <class Fits>
std::optional<std::size_t> only(std::span<const PoolName> pools, Fits fits) {
  std::optional<std::size_t> out;
  for (std::size_t i = 0; i < pools.size(); ++i) {
    if (!fits(pools[i])) continue;
    if (out) return std::nullopt;
    out = i;
  }
  return out;
}

// "svc.ns.svc.cluster.local:9002" in parts; an empty namespace means any.
struct ServiceName {
  std::string_view service, name_space;
};

ServiceName service_of(std::string_view authority) {
  if (const auto bar = authority.rfind('|'); bar != std::string_view::npos) {
    authority.remove_prefix(bar + 1);
  }
  authority = authority.substr(0, authority.find(':'));
  const std::size_t dot = authority.find('.');
  if (dot == std::string_view::npos) return {authority, {}};
  const std::string_view rest = authority.substr(dot + 1);
  return {authority.substr(0, dot), rest.substr(0, rest.find('.'))};
}

}  // namespace

std::optional<std::size_t> choose_pool(std::span<const PoolName> pools, std::string_view metadata,
                                       std::string_view authority) {
  if (!metadata.empty()) {
    const std::size_t slash = metadata.find('/');
    if (slash == std::string_view::npos) {
      return only(pools, [&](const PoolName& pool) { return pool.key.name == metadata; });
    }
    return only(pools, [&](const PoolName& pool) {
      return pool.key.name_space == metadata.substr(0, slash) &&
             pool.key.name == metadata.substr(slash + 1);
    });
  }
  const ServiceName asked = service_of(authority);
  if (!asked.service.empty()) {
    const auto by_service = only(pools, [&](const PoolName& pool) {
      const std::string& own = pool.service.empty() ? pool.key.name : pool.service;
      return own == asked.service &&
             (asked.name_space.empty() || pool.key.name_space == asked.name_space);
    });
    if (by_service) return by_service;
  }
  if (pools.size() == 1) return 0;
  return std::nullopt;
}

}  // namespace nacelle::epp
