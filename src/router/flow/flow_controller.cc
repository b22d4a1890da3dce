#include "router/flow/flow_controller.h"

#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "router/flow/flow_entry.h"

namespace nacelle::router::flow {

namespace {

constexpr Duration kBusyTick = std::chrono::milliseconds(5);
constexpr Duration kIdleTick = std::chrono::milliseconds(100);
constexpr Duration kGaugesEvery = std::chrono::milliseconds(500);

Outcome outcome_of(FlowQueues::Enqueued refused) {
  return refused == FlowQueues::Enqueued::kNoEndpoints ? Outcome::kRejectedNoEndpoints
                                                       : Outcome::kRejectedCapacity;
}

double share(std::uint64_t value, std::uint64_t limit) {
  return limit == 0 ? 0 : static_cast<double>(value) / static_cast<double>(limit);
}

}  // namespace

FlowController::FlowController(FlowControlConfig config, Loads loads, const Clock& clock,
                               FlowMetrics* metrics)
    : config_(std::move(config)),
      loads_(std::move(loads)),
      clock_(clock),
      metrics_(metrics),
      detector_(make_detector(config_.detector)),
      queues_(config_, clock.now()),
      eviction_(config_) {}

FlowController::~FlowController() = default;

// --- decisions, with the lock held --------------------------------------------------------------

void FlowController::read_pool(TimePoint now) {
  endpoint_loads_.clear();
  loads_(now, endpoint_loads_);
  in_flight_.read(detector_->read(endpoint_loads_, now));
  queues_.set_pool_empty(endpoint_loads_.empty(), now);
  read_at_ = now;
  pool_changed_ = false;
}

void FlowController::read_pool_if_old(TimePoint now) {
  if (pool_changed_ || read_at_ == TimePoint::min() || now - read_at_ >= config_.max_reading_age) {
    read_pool(now);
  }
}

void FlowController::decide(Entry& entry, Outcome outcome, TimePoint now) {
  CHECK(!entry.decided);
  entry.decided = true;
  entry.outcome = outcome;
  entry.decided_at = now;
  if (outcome == Outcome::kDispatched) in_flight_.add(entry);
}

void FlowController::submit(Entry& entry, const FlowRequest& request, TimePoint now) {
  if (shutting_down_) {
    entry.message = "the router is shutting down";
    return decide(entry, Outcome::kRejectedShutdown, now);
  }
  read_pool_if_old(now);
  if (!config_.enabled) return submit_legacy(entry, now);
  const FlowQueues::Enqueued enqueued =
      queues_.enqueue(entry, request.fairness_id, request.priority, now);
  if (enqueued == FlowQueues::Enqueued::kQueued) {
    entry.priority = entry.flow->band().priority();
    return;
  }
  const Band& band = queues_.band_of(request.priority, now);
  switch (enqueued) {
    case FlowQueues::Enqueued::kBandFull:
      entry.message = fmt::format(
          "{} requests with {} bytes wait at priority {}, which holds {} requests and {} bytes",
          band.requests(), band.bytes(), band.priority(), band.config().max_requests,
          band.config().max_bytes);
      break;
    case FlowQueues::Enqueued::kPoolFull:
      entry.message =
          fmt::format("{} requests with {} bytes wait, the pool holds {} requests and {} bytes",
                      queues_.requests(), queues_.bytes(), config_.max_requests, config_.max_bytes);
      break;
    case FlowQueues::Enqueued::kTooManyFlows:
      entry.message = fmt::format("{} flows wait, which is the limit", queues_.num_flows());
      break;
    default:
      entry.message = "no endpoint is ready";
  }
  decide(entry, outcome_of(enqueued), now);
}

void FlowController::submit_legacy(Entry& entry, TimePoint now) {
  if (entry.InFlight::priority < 0 && in_flight_.outdated() && in_flight_.effective() >= 1) {
    read_pool(now);
  }
  if (entry.InFlight::priority < 0 && in_flight_.effective() >= 1) {
    entry.message = "system saturated, sheddable request dropped";
    return decide(entry, Outcome::kRejectedCapacity, now);
  }
  decide(entry, Outcome::kDispatched, now);
}

void FlowController::pump(TimePoint now, Wakeups& wakeups) {
  if (queues_.requests() == 0) return;
  read_pool_if_old(now);
  while (Ticket* ticket = queues_.expire(now)) {
    auto& entry = static_cast<Entry&>(*ticket);
    const double waited = to_seconds(now - entry.enqueued);
    if (queues_.pool_empty()) {
      entry.message = fmt::format("no endpoint was ready within {:.3g} s", waited);
      decide(entry, Outcome::kEvictedNoEndpoints, now);
    } else {
      entry.message = fmt::format("waited {:.3g} s in the queue, its limit", waited);
      decide(entry, Outcome::kEvictedTtl, now);
    }
    wakeups.push_back(entry.shared_from_this());
  }
  bool fresh = false;
  while (queues_.requests() != 0) {
    if (Ticket* ticket = queues_.dispatch(in_flight_.effective(), now)) {
      auto& entry = static_cast<Entry&>(*ticket);
      decide(entry, Outcome::kDispatched, now);
      wakeups.push_back(entry.shared_from_this());
    } else if (!fresh && in_flight_.outdated()) {
      read_pool(now);  // requests that ended since the last reading may have made room
      fresh = true;
    } else {
      break;
    }
  }
  busy_.store(queues_.requests() != 0, std::memory_order_relaxed);
}

void FlowController::evict(TimePoint now, Wakeups& victims) {
  const double saturation = in_flight_.effective();
  const EvictionPlan::Settled settled = eviction_.settle(saturation, now);
  if (metrics_ != nullptr && settled.event != EvictionPlan::Event::kNone) {
    const bool confirmed = settled.event == EvictionPlan::Event::kConfirmed;
    metrics_->revocations_settled(confirmed ? "confirmed" : "timeout", settled.revoked,
                                  to_seconds(settled.took));
  }
  if (const auto front = queues_.front(saturation)) {
    const std::uint64_t running = in_flight_.size();
    std::size_t want = eviction_.want(saturation, front->ceiling, running);
    std::size_t revoked = 0;
    for (; want > 0; --want) {
      InFlight* victim = in_flight_.take_victim(front->priority);
      if (victim == nullptr) break;
      victims.push_back(static_cast<Entry*>(victim)->shared_from_this());
      if (metrics_ != nullptr) metrics_->revocation_issued(victim->priority);
      ++revoked;
    }
    eviction_.issued(revoked, saturation, running, now);
  }
  if (metrics_ != nullptr) metrics_->reclaim(eviction_.target(), eviction_.pending());
}

void FlowController::publish_gauges(TimePoint now) {
  if (metrics_ == nullptr || (gauges_at_ != TimePoint::min() && now - gauges_at_ < kGaugesEvery)) {
    return;
  }
  gauges_at_ = now;
  metrics_->saturation(in_flight_.reading(), in_flight_.effective(),
                       config_.detector.kind == DetectorKind::kConcurrency
                           ? "concurrency-detector"
                           : "utilization-detector");
  for (const auto& [priority, band] : queues_.bands()) {
    metrics_->band(priority, share(band->requests(), band->config().max_requests),
                   share(band->bytes(), band->config().max_bytes));
    metrics_->programs(band->fairness().programs(now));
  }
  metrics_->pool_share(share(queues_.requests(), config_.max_requests),
                       share(queues_.bytes(), config_.max_bytes), config_.max_requests != 0,
                       config_.max_bytes != 0);
}

// --- delivery, without the lock -----------------------------------------------------------------

void FlowController::deliver(const Wakeups& wakeups) {
  for (const auto& entry : wakeups) {
    entry->loop->post([entry] { entry->waiter.resume(); });
  }
}

void FlowController::deliver_evictions(const Wakeups& victims) {
  for (const auto& entry : victims) {
    entry->loop->post([entry] {
      if (entry->ended) return;
      const auto tell = std::exchange(entry->on_evicted, nullptr);
      tell({Outcome::kEvictedInFlight, "request evicted by flow control"});
    });
  }
}

void FlowController::leave(Entry& entry) {
  {
    std::lock_guard lock(mutex_);
    if (entry.decided) return;  // the decision is on its way
    const TimePoint now = clock_.now();
    queues_.remove(entry, now);
    entry.message = "the client left while its request waited";
    decide(entry, Outcome::kEvictedCancelled, now);
    busy_.store(queues_.requests() != 0, std::memory_order_relaxed);
  }
  entry.waiter.post_resume();
}

void FlowController::ended(Entry& entry) {
  Wakeups wakeups;
  {
    std::lock_guard lock(mutex_);
    const TimePoint now = clock_.now();
    in_flight_.remove(entry);
    if (entry.prompt_tokens_used + entry.completion_tokens_used != 0) {
      queues_.served(entry.priority, entry.fairness_id, entry.prompt_tokens_used,
                     entry.completion_tokens_used, now);
    }
    pump(now, wakeups);
  }
  deliver(wakeups);
}

void FlowController::on_pool_change() {
  Wakeups wakeups;
  {
    std::lock_guard lock(mutex_);
    pool_changed_ = true;
    pump(clock_.now(), wakeups);
  }
  deliver(wakeups);
}

void FlowController::tick() {
  Wakeups wakeups;
  Wakeups victims;
  const TimePoint start = clock_.now();
  {
    std::lock_guard lock(mutex_);
    read_pool_if_old(start);
    pump(start, wakeups);
    if (config_.enabled && config_.enable_eviction) evict(start, victims);
    queues_.collect_garbage(start);
    publish_gauges(start);
  }
  if (metrics_ != nullptr) metrics_->dispatch_cycle.observe(to_seconds(clock_.now() - start));
  deliver(wakeups);
  deliver_evictions(victims);
}

async::Task<void> FlowController::keep_time(async::StopScope& scope) {
  for (;;) {
    const Duration nap = busy_.load(std::memory_order_relaxed) ? kBusyTick : kIdleTick;
    const bool go_on = co_await scope.sleep(nap);
    if (!go_on) co_return;
    tick();
  }
}

void FlowController::shut_down() {
  Wakeups wakeups;
  {
    std::lock_guard lock(mutex_);
    const TimePoint now = clock_.now();
    shutting_down_ = true;
    while (Ticket* ticket = queues_.first_to_expire()) {
      auto& entry = static_cast<Entry&>(*ticket);
      queues_.remove(entry, now);
      entry.message = "the router is shutting down";
      decide(entry, Outcome::kRejectedShutdown, now);
      wakeups.push_back(entry.shared_from_this());
    }
    busy_.store(false, std::memory_order_relaxed);
  }
  deliver(wakeups);
}

void FlowController::ensure_bands(const std::vector<int>& priorities) {
  std::lock_guard lock(mutex_);
  for (const int priority : priorities) (void)queues_.ensure_band(priority, clock_.now());
}

FlowController::Stats FlowController::stats() {
  std::lock_guard lock(mutex_);
  return {queues_.requests(), queues_.bytes(), in_flight_.size(), in_flight_.reserved(),
          in_flight_.effective()};
}

}  // namespace nacelle::router::flow
