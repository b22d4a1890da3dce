// router.h: chooses the endpoint for a request, and reserves its load in the same step.
//
// pick() gathers an input (the published pool, the load in flight, what the producers know),
// decides over it (core/decide.h, pure), adds the request's load to the chosen endpoints and tells
// the producers: a burst of equal requests spreads because each pick sees the ones before it.
// Scraped gauges only correct that view.
//
// Home:    thread-safe. The pick holds one leaf lock; load is released without it.
// Errors:  refusals carry the HTTP status and the reason header (decision.h).
// Bounds:  those of the producers; per request nothing is kept.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "router/decision_input.h"
#include "router/latency_source.h"
#include "router/placement.h"
#include "router/prefix_hash.h"
#include "router/prefix_match_source.h"
#include "router/schedule.h"

namespace nacelle::router {

class ApproxPrefixCache;
class PredictedLatency;
class DecisionSink;
class StepObserver;
struct DecisionTrace;

class Router {
 public:
  explicit Router(Schedule schedule, Duration metrics_stale_after = std::chrono::seconds(2));
  ~Router();

  // Replaces what is known of the pool. Endpoints that are gone lose their index entries.
  void publish(PoolSnapshotPtr pool);
  [[nodiscard]] PoolSnapshotPtr pool() const;

  // The same pick, with the whole refusal when there is none.
  [[nodiscard]] Result<Placement> pick(const RoutingRequest& request, TimePoint now);
  [[nodiscard]] Result<Placement> pick(const RoutingRequest& request, TimePoint now,
                                       Refusal& refusal);

  // The data plane reports that `address` serves the request. Where that is another endpoint than
  // the first, load, prefix and session move there, it becomes the first destination, and its
  // answer teaches no latency, since a failed attempt is in it. False: nothing moved; it is the
  // first one, or none that is known. `headers` are the request's.
  bool served_by(Placement& placement, std::string_view address,
                 std::span<const HeaderView> headers, TimePoint now);

  // The endpoint lost its cache: a new process answers at its address.
  void forget_prefixes(EndpointId endpoint);

  [[nodiscard]] InFlightLoad load_of(EndpointId endpoint) const;

  // How prompts are to be hashed for RoutingRequest::block_hashes, given the pool.
  [[nodiscard]] PrefixHashOptions prefix_hash_options() const;

  // Precise prefix producers without an index, and the index for all of them. Before the first
  // pick.
  [[nodiscard]] bool wants_prefix_source() const;
  void attach(std::shared_ptr<PrefixMatchSource> index);
  [[nodiscard]] bool wants_latency_source() const;
  void attach(std::shared_ptr<LatencySource> model);

  // Sees the steps of one pick in kObservedPicks, the first one included. Before the first pick;
  // outlives the router's last one.
  static constexpr std::uint32_t kObservedPicks = 8;
  void observe_steps(StepObserver* observer) { step_observer_ = observer; }

  // Whose matches count as computed, in Placement too; null: nobody's.
  [[nodiscard]] const Plugin* prefix_producer() const;
  // Blocks in the index of every prefix producer that can say it, with the producer. Any thread.
  [[nodiscard]] std::vector<std::pair<const Plugin*, std::size_t>> prefix_index_sizes() const;

  // Placements tell all scores from now on. Before the first pick.
  void tell_scores() { tells_scores_ = true; }

  // Sees every decision, in their order. Null: none. The sink outlives the router or is taken away.
  void record_to(DecisionSink* sink);

  // Immutable; its producers are the router's.
  [[nodiscard]] const Schedule& schedule() const { return schedule_; }

 private:
  struct PerEndpoint {
    std::shared_ptr<LoadCell> load = std::make_shared<LoadCell>();
    std::uint64_t placed_since_scrape = 0;
    TimePoint scraped{};  // `updated` of the last metrics published
  };

  void gather(const RoutingRequest& request, TimePoint now, StepObserver* steps);
  [[nodiscard]] Placement place();
  [[nodiscard]] std::unique_ptr<const Placement::Kept> kept_for_a_move() const;
  void add_scores(const DecisionTrace& trace, Placement& out) const;
  [[nodiscard]] std::uint64_t tokens_for(std::uint32_t position) const;

  mutable std::mutex mutex_;  // leaf: nothing is called out to while it is held
  const Schedule schedule_;
  const Duration metrics_stale_after_;
  PoolViewPtr pool_;
  std::vector<PerEndpoint> endpoints_;  // by endpoint id
  std::optional<std::uint32_t> prefill_profile_;
  const ApproxPrefixCache* approx_ = nullptr;  // says how prompts are hashed; may be null
  PredictedLatency* latency_ = nullptr;        // says how answers are learned from; may be null
  DecisionSink* sink_ = nullptr;
  bool tells_scores_ = false;
  StepObserver* step_observer_ = nullptr;
  std::uint32_t unobserved_ = 0;  // picks until the next one that is observed

  // Reused between picks.
  DecisionInput input_;
  DecisionScratch scratch_;
  Decision decision_;
};

// Where decisions are written down.
class DecisionSink {
 public:
  virtual ~DecisionSink() = default;
  // Called under the router's lock: copies what it wants, and does not wait.
  virtual void decided(const DecisionInput& input, const Decision& decision) = 0;
};

}  // namespace nacelle::router
