// candidate.h: the endpoints that are left during a decision, and what plugins may ask about them.
//
// Candidates are positions in the pool; what is known of them lies in columns by position, so that
// filtering moves four bytes per endpoint and scoring reads arrays.
//
// Home:    one decision.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "router/decision.h"
#include "router/decision_input.h"
#include "router/random_stream.h"

namespace nacelle::router {

class Candidates {
 public:
  void reset(std::size_t count);
  void assign(std::span<const std::uint32_t> positions) {
    positions_.assign(positions.begin(), positions.end());
  }

  [[nodiscard]] std::size_t size() const { return positions_.size(); }
  [[nodiscard]] bool empty() const { return positions_.empty(); }
  [[nodiscard]] std::uint32_t operator[](std::size_t i) const { return positions_[i]; }
  [[nodiscard]] auto begin() const { return positions_.begin(); }
  [[nodiscard]] auto end() const { return positions_.end(); }
  [[nodiscard]] std::span<const std::uint32_t> positions() const { return positions_; }

  // Keeps the order of those that stay.
  template <class Keep>
  void keep_if(Keep keep) {
    std::erase_if(positions_, [&](std::uint32_t position) { return !keep(position); });
  }
  // The same, but a condition that nobody meets removes nobody.
  template <class Keep>
  void keep_if_any(Keep keep) {
    if (std::any_of(positions_.begin(), positions_.end(), keep)) keep_if(keep);
  }

 private:
  std::vector<std::uint32_t> positions_;
};

// Memory that decisions reuse.
struct DecisionScratch {
  Candidates pool;        // after the screeners
  Candidates candidates;  // of the profile that runs
  std::vector<double> totals;
  std::vector<double> scores;
  std::vector<std::uint8_t> fresh;
};

// What a plugin sees besides the candidates. All of it is in the recorded input.
class PickContext {
 public:
  PickContext(const DecisionInput& input, std::span<const std::uint8_t> fresh,
              const Decision& decision, RandomStream& random)
      : input(input),
        request(input.request),
        pool(*input.pool),
        decision(decision),
        random(random),
        fresh_(fresh) {}

  const DecisionInput& input;
  const RoutingRequest& request;
  const PoolView& pool;
  const Decision& decision;  // the results of the profiles that ran before
  RandomStream& random;

  [[nodiscard]] const EndpointSnapshot& endpoint(std::uint32_t position) const {
    return pool.endpoint(position);
  }
  // Scraped gauges count only while fresh; after that our own counters stand in for them.
  [[nodiscard]] bool fresh(std::uint32_t position) const { return fresh_[position] != 0; }

  // Requests that wait there: as scraped plus those placed since, or else all of ours.
  [[nodiscard]] double waiting(std::uint32_t position) const {
    return fresh(position)
               ? pool.waiting[position] + static_cast<double>(input.unseen_requests[position])
               : static_cast<double>(input.load_requests[position]);
  }
  [[nodiscard]] double running(std::uint32_t position) const {
    return fresh(position) ? pool.running[position]
                           : static_cast<double>(input.load_requests[position]);
  }
  // One half where nothing is known: neither a reason to avoid nor to prefer.
  [[nodiscard]] double kv_usage(std::uint32_t position) const {
    return fresh(position) ? pool.kv_usage[position] : 0.5;
  }

  // Leading blocks of the prompt that the endpoint holds; 0 when the index knows nothing.
  [[nodiscard]] std::uint32_t matched_blocks(PrefixSourceId source, std::uint32_t position) const {
    const auto& matched = input.prefix[source].matched;
    return matched.empty() ? 0 : matched[position];
  }
  // Prompt tokens the endpoint would have to compute.
  [[nodiscard]] std::uint64_t uncached_tokens(PrefixSourceId source, std::uint32_t position) const;

 private:
  std::span<const std::uint8_t> fresh_;
};

inline constexpr PrefixSourceId kNoPrefixSource = UINT32_MAX;

}  // namespace nacelle::router
