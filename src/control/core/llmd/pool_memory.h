// pool_memory.h: whether the services of a pool fit on its devices, and what its shares come to
// where one device is lent to several pods.
//
// With whole devices two services never share one, so each replica is looked at alone. Members that
// want more devices than there are would have to share: the pool says whether they could. Devices
// that are time-sliced are shared by the pods themselves: there the shares shrink, lowest priority
// first, until every replica has a place; a replica that is ready proves that it has one.
//
// Home:    pure.
// Bounds:  kMostPlaced replicas are placed; pools with more keep their shares.
// Source:  scaling-and-benchmarks.md section 9, row 18 and step 6 of the algorithm; section 10.5.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "control/core/llmd/fit.h"
#include "control/core/llmd/pool.h"

namespace nacelle::control::llmd {

inline constexpr std::int64_t kMostPlaced = 1000;

struct PoolMemory {
  kube::Condition condition;                    // VRAMValidated
  std::map<std::string, std::string> refusals;  // of services that could not share, by name
};
[[nodiscard]] PoolMemory validate_pool(const std::vector<Need>& needs,
                                       const std::vector<NodeDevices>& devices,
                                       std::int64_t budget);

// members[i], needs[i] and shares[i] are of one service.
void fit_shares(const std::vector<PoolService>& members, const std::vector<Need>& needs,
                const std::vector<NodeDevices>& devices, std::vector<PoolShare>& shares);

}  // namespace nacelle::control::llmd
