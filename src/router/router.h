// router.h: chooses the endpoint for a request, and reserves its load in the same step.
//
// pick() reads the published pool, the load in flight and the approximate prefix index, runs the
// profile, adds the request's load to the chosen endpoint and its prompt to the index: a burst of
// equal requests spreads because each pick sees the ones before it. Scraped gauges only correct
// that view.
//
// Home:    thread-safe. The pick holds one leaf lock; load is released without it.
// Errors:  unavailable when the pool is empty or every endpoint was tried.
// Bounds:  the prefix index holds at most each endpoint's cache size in blocks.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "base/result.h"
#include "router/core/pipeline.h"
#include "router/core/prefix_index.h"
#include "router/endpoint.h"
#include "router/routing_request.h"

namespace nacelle::router {

// One endpoint's load, shared by the router and the placements on it.
struct LoadCell {
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> tokens{0};
};

// A request's place on an endpoint. Releases its load when destroyed.
class Placement {
 public:
  Placement() = default;
  Placement(EndpointId id, std::string address, std::uint32_t matched_blocks, std::uint64_t tokens,
            std::shared_ptr<LoadCell> load)
      : id_(id),
        address_(std::move(address)),
        matched_blocks_(matched_blocks),
        tokens_(tokens),
        load_(std::move(load)) {}
  Placement(Placement&&) noexcept = default;
  Placement& operator=(Placement&& other) noexcept;
  ~Placement() { release(); }

  [[nodiscard]] EndpointId id() const { return id_; }
  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] std::uint32_t matched_blocks() const { return matched_blocks_; }

  // The endpoint answered: its prefill is done, only the request itself still weighs.
  void on_first_byte();
  void release();

 private:
  EndpointId id_;
  std::string address_;
  std::uint32_t matched_blocks_ = 0;
  std::uint64_t tokens_ = 0;
  std::shared_ptr<LoadCell> load_;
};

class Router {
 public:
  explicit Router(Profile profile) : pipeline_(std::move(profile)) {}

  // Replaces what is known of the pool. Endpoints that are gone lose their index entries.
  void publish(PoolSnapshotPtr pool);
  [[nodiscard]] PoolSnapshotPtr pool() const;

  [[nodiscard]] Result<Placement> pick(const RoutingRequest& request, TimePoint now);

  // The endpoint lost its cache: a new process answers at its address.
  void forget_prefixes(EndpointId endpoint);

  [[nodiscard]] InFlightLoad load_of(EndpointId endpoint) const;

 private:
  mutable std::mutex mutex_;  // leaf: nothing is called out to while it is held
  PoolSnapshotPtr pool_ = std::make_shared<const PoolSnapshot>();
  std::vector<std::shared_ptr<LoadCell>> load_;  // by endpoint id
  PrefixIndex index_;
  Pipeline pipeline_;
  std::vector<Candidate> candidates_;   // reused between picks
  std::vector<std::uint32_t> matched_;  // by endpoint id, reused between picks
};

}  // namespace nacelle::router
