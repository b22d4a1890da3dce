// flow_queues.h: every waiting request of a pool, and which of them goes next.
//
// Priority bands from high to low; in a band one queue per flow (fairness id). The highest band
// with a waiting request decides: when the pool is fuller than its ceiling, nothing is dispatched,
// not even from below (head-of-line blocking on purpose: else the small ones below would take each
// free place before the large one above ever fits).
//
//   pure: (state, now, saturation) -> what is dispatched, expired, refused
//
// Home:    not thread-safe; FlowController holds a lock around it.
// Bounds:  requests and bytes per band and in all, flows, bands (FlowControlConfig).
// Source:  router.md section 12.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "router/flow/core/band.h"
#include "router/flow/core/indexed_heap.h"
#include "router/flow/core/ticket.h"
#include "router/flow/core/usage_limit.h"
#include "router/flow/flow_config.h"

namespace nacelle::router::flow {

class FlowQueues {
 public:
  using Bands = std::map<int, std::unique_ptr<Band>, std::greater<>>;

  enum class Enqueued {
    kQueued,
    kBandFull,
    kPoolFull,  // the limit over all bands
    kTooManyFlows,
    kNoEndpoints,  // and no patience with that
  };

  explicit FlowQueues(const FlowControlConfig& config) : FlowQueues(config, TimePoint()) {}
  FlowQueues(const FlowControlConfig& config, TimePoint now);
  ~FlowQueues();  // empty: CHECKed by the tickets
  FlowQueues(const FlowQueues&) = delete;
  FlowQueues& operator=(const FlowQueues&) = delete;

  // Queues the ticket, or says which limit forbids it. O(log n).
  Enqueued enqueue(Ticket& ticket, std::string_view fairness_id, int priority, TimePoint now);

  // Its client left, or it expired. No-op when it is not queued. O(log n).
  void remove(Ticket& ticket, TimePoint now);

  // Takes the next request out; nullptr when nothing waits or the highest band that waits has
  // reached its ceiling.
  [[nodiscard]] Ticket* dispatch(double saturation, TimePoint now);

  // The pool lost its last endpoint, or has one again: from now the other patience counts.
  void set_pool_empty(bool empty, TimePoint now);
  [[nodiscard]] bool pool_empty() const { return pool_empty_; }

  // Takes one request out whose time is over; nullptr when there is none.
  [[nodiscard]] Ticket* expire(TimePoint now);
  // The ticket that expires first, or nullptr.
  [[nodiscard]] Ticket* first_to_expire() const {
    return expiry_.empty() ? nullptr : &expiry_.top();
  }

  // Forgets idle flows and idle dynamic bands. O(what goes).
  void collect_garbage(TimePoint now);

  // A band for a priority that an objective names; false when there are too many.
  bool ensure_band(int priority, TimePoint now);
  // The band that requests of this priority wait in, made if need be.
  [[nodiscard]] Band& band_of(int priority, TimePoint now);

  // A request of this flow ended. No-op for a priority without a band.
  void served(int priority, std::string_view fairness_id, std::uint64_t prompt_tokens,
              std::uint64_t completion_tokens, TimePoint now);

  // The ceiling of the highest band that waits and its priority.
  struct Front {
    int priority;
    double ceiling;
  };
  [[nodiscard]] std::optional<Front> front(double saturation) const;

  [[nodiscard]] std::uint64_t requests() const { return requests_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] std::size_t num_flows() const { return num_flows_; }
  [[nodiscard]] const Bands& bands() const { return bands_; }

 private:
  [[nodiscard]] BandRank rank_of(Bands::const_iterator band, std::size_t rank) const;
  [[nodiscard]] TimePoint expiry_of(const Ticket& ticket) const;
  FlowQueue* flow_of(Band& band, std::string_view fairness_id);
  void take_out(Ticket& ticket, TimePoint now);
  void forget(FlowQueue& flow);

  const FlowControlConfig config_;
  UsageLimit usage_limit_;
  Bands bands_;
  std::size_t num_dynamic_bands_ = 0;
  std::size_t num_flows_ = 0;
  std::uint64_t requests_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t next_sequence_ = 0;
  bool pool_empty_ = false;
  TimePoint regime_since_ = TimePoint::min();
  IndexedHeap<Ticket, ExpiryTraits> expiry_;  // all tickets; those without a deadline come last
  std::list<FlowQueue*> idle_;                // longest idle first
};

}  // namespace nacelle::router::flow
