#include "control/core/llmd/pool.h"

#include <algorithm>
#include <numeric>
#include <optional>

namespace nacelle::control::llmd {
namespace {

// Who is served first.
std::vector<std::size_t> by_priority(const std::vector<PoolService>& services) {
  std::vector<std::size_t> order(services.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const PoolService& x = services[a];
    const PoolService& y = services[b];
    if (x.priority != y.priority) return x.priority > y.priority;
    if (x.weight != y.weight) return x.weight > y.weight;
    return x.name < y.name;
  });
  return order;
}

std::int64_t gpus_of(const PoolService& service) { return std::max<std::int64_t>(1, service.gpus); }

class Allocator {
 public:
  Allocator(const std::vector<PoolService>& services, std::int64_t budget, Eviction policy,
            MayEvict may_evict)
      : services_(services),
        budget_(std::clamp<std::int64_t>(budget, 0, kMaxPoolGpus)),
        evicts_(policy == Eviction::kLowPriority && may_evict == MayEvict::kYes),
        order_(by_priority(services)) {
    for (const PoolService& service : services) shares_.push_back({.name = service.name});
  }

  std::vector<PoolShare> run() {
    entitle();
    meet_entitled_demand();
    lend();
    if (evicts_) {
      evict();
      lend();  // a victim may have held more than its taker needed
    }
    for (std::size_t i = 0; i < services_.size(); ++i) {
      PoolShare& share = shares_[i];
      share.borrowed = std::max<std::int64_t>(0, share.allocated - share.entitlement);
      share.unmet = std::max<std::int64_t>(0, services_[i].demand - share.allocated);
    }
    return std::move(shares_);
  }

 private:
  std::int64_t gpus(std::size_t i) const { return gpus_of(services_[i]); }

  std::int64_t entitled_gpus() const {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < shares_.size(); ++i) sum += shares_[i].entitlement * gpus(i);
    return sum;
  }

  // Floors of the shares, then whole replicas to the largest remainders, then one each to those
  // that would have none.
  void entitle() {
    std::int64_t weights = 0;
    for (const PoolService& service : services_)
      weights += std::max<std::int64_t>(0, service.weight);
    if (weights == 0) return;
    std::vector<double> remainder(services_.size(), 0);
    for (std::size_t i = 0; i < services_.size(); ++i) {
      const double share = static_cast<double>(budget_) *
                           static_cast<double>(std::max<std::int64_t>(0, services_[i].weight)) /
                           static_cast<double>(weights) / static_cast<double>(gpus(i));
      shares_[i].entitlement = static_cast<std::int64_t>(share + 1e-9);
      remainder[i] = share - static_cast<double>(shares_[i].entitlement);
    }
    std::vector<std::size_t> by_remainder = order_;
    std::stable_sort(by_remainder.begin(), by_remainder.end(), [&](std::size_t a, std::size_t b) {
      return remainder[a] > remainder[b] + 1e-9;
    });
    for (const std::size_t i : by_remainder) {
      if (remainder[i] > 1e-9 && entitled_gpus() + gpus(i) <= budget_) ++shares_[i].entitlement;
    }
    for (const std::size_t i : order_) {
      if (services_[i].weight > 0 && shares_[i].entitlement == 0) give_one(i);
    }
  }

  // From what is left, or from whoever has most beyond one.
  void give_one(std::size_t i) {
    while (entitled_gpus() + gpus(i) > budget_) {
      std::size_t richest = i;
      for (const std::size_t each : order_) {
        if (shares_[each].entitlement > std::max<std::int64_t>(1, shares_[richest].entitlement)) {
          richest = each;
        }
      }
      if (richest == i) return;
      --shares_[richest].entitlement;
    }
    ++shares_[i].entitlement;
  }

  // One that was just evicted grows only when its time is over.
  std::int64_t demand(std::size_t i) const {
    const PoolService& service = services_[i];
    const std::int64_t asked = std::clamp<std::int64_t>(service.demand, 0, kMaxPoolGpus);
    if (!service.cooling_down) return asked;
    return std::min(asked, service.granted.value_or(service.live));
  }

  void meet_entitled_demand() {
    for (std::size_t i = 0; i < services_.size(); ++i) {
      shares_[i].allocated = std::min(demand(i), shares_[i].entitlement);
    }
  }

  std::int64_t free_gpus() const {
    std::int64_t used = 0;
    for (std::size_t i = 0; i < shares_.size(); ++i) used += shares_[i].allocated * gpus(i);
    return budget_ - used;
  }

  // Round by round: of those of the highest priority that want more, whoever has borrowed least for
  // its weight.
  void lend() {
    while (true) {
      const std::int64_t free = free_gpus();
      std::optional<std::size_t> next;
      for (const std::size_t i : order_) {
        if (shares_[i].allocated >= demand(i) || gpus(i) > free) continue;
        if (!next) {
          next = i;
          continue;
        }
        if (services_[i].priority != services_[*next].priority) break;
        const auto load = [&](std::size_t s) {
          const std::int64_t loans =
              std::max<std::int64_t>(0, shares_[s].allocated - shares_[s].entitlement);
          return static_cast<double>((loans + 1) * gpus(s)) /
                 static_cast<double>(std::max<std::int64_t>(1, services_[s].weight));
        };
        if (load(i) < load(*next) - 1e-9) next = i;
      }
      if (!next) return;
      ++shares_[*next].allocated;
      shares_[*next].evicted = std::max<std::int64_t>(0, shares_[*next].evicted - 1);
    }
  }

  void evict() {
    for (const std::size_t i : order_) {
      const PoolService& taker = services_[i];
      if (!taker.under_pressure) continue;
      while (shares_[i].allocated < demand(i)) {
        if (!make_room(i)) break;
        ++shares_[i].allocated;
      }
    }
  }

  // Takes replicas of lower priorities until one of `taker` fits; takes none when it cannot.
  bool make_room(std::size_t taker) {
    const std::vector<PoolShare> before = shares_;
    while (free_gpus() < gpus(taker)) {
      const auto victim = victim_for(taker);
      if (!victim) {
        shares_ = before;
        return false;
      }
      --shares_[*victim].allocated;
      ++shares_[*victim].evicted;
    }
    return true;
  }

  std::optional<std::size_t> victim_for(std::size_t taker) const {
    std::optional<std::size_t> best;
    const bool to_zero = services_[taker].ready == 0;
    for (std::size_t i = 0; i < services_.size(); ++i) {
      if (services_[i].priority >= services_[taker].priority) continue;
      const std::int64_t least = to_zero ? 0 : std::max<std::int64_t>(0, services_[i].min_replicas);
      if (shares_[i].allocated <= least) continue;
      // The last ones of a service go for a service that has no replica at all only.
      if (to_zero && shares_[taker].allocated > 0 &&
          shares_[i].allocated <= services_[i].min_replicas) {
        continue;
      }
      if (!best || goes_first(i, *best)) best = i;
    }
    return best;
  }

  bool goes_first(std::size_t a, std::size_t b) const {
    if (services_[a].priority != services_[b].priority) {
      return services_[a].priority < services_[b].priority;
    }
    const std::int64_t over_a = shares_[a].allocated - shares_[a].entitlement;
    const std::int64_t over_b = shares_[b].allocated - shares_[b].entitlement;
    if (over_a != over_b) return over_a > over_b;
    if (services_[a].in_flight != services_[b].in_flight) {
      return services_[a].in_flight < services_[b].in_flight;
    }
    if (services_[a].newest != services_[b].newest) {
      return services_[a].newest > services_[b].newest;
    }
    return services_[a].name < services_[b].name;
  }

  const std::vector<PoolService>& services_;
  const std::int64_t budget_;
  const bool evicts_;
  std::vector<PoolShare> shares_;
  const std::vector<std::size_t> order_;
};

}  // namespace

std::vector<PoolShare> allocate(const std::vector<PoolService>& services, std::int64_t budget,
                                Eviction policy, MayEvict may_evict) {
  return Allocator(services, budget, policy, may_evict).run();
}

void grant(const std::vector<PoolService>& services, std::int64_t budget,
           std::vector<PoolShare>& shares) {
  const auto occupied = [&](std::size_t i) {
    const PoolService& service = services[i];
    return (std::max(service.live, shares[i].allocated) + service.ending) * gpus_of(service);
  };
  std::vector<std::int64_t> targets;
  std::int64_t used = 0;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    targets.push_back(shares[i].allocated);
    shares[i].allocated = std::min(targets[i], services[i].granted.value_or(services[i].live));
    used += occupied(i);
  }
  for (const std::size_t i : by_priority(services)) {
    while (shares[i].allocated < targets[i]) {
      const std::int64_t before = occupied(i);
      ++shares[i].allocated;
      const std::int64_t more = occupied(i) - before;
      if (more > 0 && used + more > budget) {
        --shares[i].allocated;
        break;
      }
      used += more;
    }
    PoolShare& share = shares[i];
    share.waits = targets[i] - share.allocated;
    share.unmet += share.waits;
    share.borrowed = std::max<std::int64_t>(0, share.allocated - share.entitlement);
  }
}

}  // namespace nacelle::control::llmd
