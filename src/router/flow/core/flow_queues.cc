#include "router/flow/core/flow_queues.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace nacelle::router::flow {

namespace {

// True when one more of size `more` does not fit below `limit`, where 0 means no limit.
bool exceeds(std::uint64_t now, std::uint64_t more, std::uint64_t limit) {
  return limit != 0 && (more > limit || now > limit - more);
}

}  // namespace

FlowQueues::FlowQueues(const FlowControlConfig& config, TimePoint now)
    : config_(config), usage_limit_(config.usage_limit) {
  for (const auto& [priority, band] : config_.bands) {
    bands_.emplace(priority, std::make_unique<Band>(priority, band, /*dynamic=*/false, now));
  }
  // The home of requests without an objective, and of those whose priority finds no band.
  if (!bands_.contains(0)) {
    bands_.emplace(0, std::make_unique<Band>(0, config_.default_band, /*dynamic=*/false, now));
  }
}

FlowQueues::~FlowQueues() = default;

bool FlowQueues::ensure_band(int priority, TimePoint now) {
  if (bands_.contains(priority)) return true;
  if (num_dynamic_bands_ >= config_.max_dynamic_bands) return false;
  const BandConfig& band = priority < 0 ? config_.default_negative_band : config_.default_band;
  bands_.emplace(priority, std::make_unique<Band>(priority, band, /*dynamic=*/true, now));
  ++num_dynamic_bands_;
  return true;
}

Band& FlowQueues::band_of(int priority, TimePoint now) {
  return *bands_.at(ensure_band(priority, now) ? priority : 0);
}

FlowQueue* FlowQueues::flow_of(Band& band, std::string_view fairness_id) {
  if (FlowQueue* flow = band.find(fairness_id)) return flow;
  if (num_flows_ >= config_.max_flows) {
    if (idle_.empty()) return nullptr;
    forget(*idle_.front());
  }
  ++num_flows_;
  FlowQueue& flow = band.add_flow(fairness_id);
  flow.idle_place = idle_.insert(idle_.end(), &flow);
  return &flow;
}

void FlowQueues::forget(FlowQueue& flow) {
  idle_.erase(flow.idle_place);
  --num_flows_;
  flow.band().remove_flow(flow);
}

FlowQueues::Enqueued FlowQueues::enqueue(Ticket& ticket, std::string_view fairness_id, int priority,
                                         TimePoint now) {
  CHECK(!ticket.queued());
  if (pool_empty_ && config_.no_endpoint_request_ttl.has_value() &&
      *config_.no_endpoint_request_ttl <= Duration::zero()) {
    return Enqueued::kNoEndpoints;
  }
  if (exceeds(requests_, 1, config_.max_requests) ||
      exceeds(bytes_, ticket.bytes, config_.max_bytes)) {
    return Enqueued::kPoolFull;
  }
  Band& band = band_of(priority, now);
  if (exceeds(band.requests(), 1, band.config().max_requests) ||
      exceeds(band.bytes(), ticket.bytes, band.config().max_bytes)) {
    return Enqueued::kBandFull;
  }
  FlowQueue* flow = flow_of(band, fairness_id);
  if (flow == nullptr) return Enqueued::kTooManyFlows;

  ticket.enqueued = now;
  ticket.sequence = next_sequence_++;
  const Duration ttl = ticket.ttl > Duration::zero() ? ticket.ttl : config_.default_request_ttl;
  ticket.order_key = order_key(band.config().ordering, ticket, ttl);
  ticket.expires = expiry_of(ticket);
  if (flow->empty()) idle_.erase(flow->idle_place);
  band.push(*flow, ticket, now);
  expiry_.push(ticket);
  ++requests_;
  bytes_ += ticket.bytes;
  return Enqueued::kQueued;
}

TimePoint FlowQueues::expiry_of(const Ticket& ticket) const {
  Duration patience = config_.no_endpoint_ttl();
  if (!pool_empty_) {
    patience = ticket.ttl > Duration::zero() ? ticket.ttl : config_.default_request_ttl;
  }
  // An empty pool ends a request's wait at once only where the operator said so.
  const bool endless =
      patience <= Duration::zero() && !(pool_empty_ && config_.no_endpoint_request_ttl.has_value());
  const TimePoint start = std::max(ticket.enqueued, regime_since_);
  if (endless || patience > TimePoint::max() - start) return TimePoint::max();
  return start + patience;
}

void FlowQueues::set_pool_empty(bool empty, TimePoint now) {
  if (empty == pool_empty_) return;
  pool_empty_ = empty;
  regime_since_ = now;
  for (Ticket* ticket : expiry_.items()) ticket->expires = expiry_of(*ticket);
  expiry_.rebuild();
}

void FlowQueues::take_out(Ticket& ticket, TimePoint now) {
  FlowQueue& flow = *ticket.flow;
  expiry_.remove(ticket);
  --requests_;
  bytes_ -= ticket.bytes;
  flow.band().remove(ticket, now);
  if (flow.empty()) {
    flow.idle_since = now;
    flow.idle_place = idle_.insert(idle_.end(), &flow);
  }
}

void FlowQueues::remove(Ticket& ticket, TimePoint now) {
  if (ticket.queued()) take_out(ticket, now);
}

BandRank FlowQueues::rank_of(Bands::const_iterator band, std::size_t rank) const {
  return {rank, bands_.size(), band->first, bands_.begin()->first, bands_.rbegin()->first};
}

std::optional<FlowQueues::Front> FlowQueues::front(double saturation) const {
  std::size_t rank = 0;
  for (auto band = bands_.begin(); band != bands_.end(); ++band, ++rank) {
    if (band->second->requests() == 0) continue;
    return Front{band->first, usage_limit_.ceiling(rank_of(band, rank), saturation)};
  }
  return std::nullopt;
}

Ticket* FlowQueues::dispatch(double saturation, TimePoint now) {
  if (requests_ == 0 || pool_empty_) return nullptr;
  std::size_t rank = 0;
  for (auto band = bands_.begin(); band != bands_.end(); ++band, ++rank) {
    if (band->second->requests() == 0) continue;
    if (!usage_limit_.allows(rank_of(band, rank), saturation)) return nullptr;
    Ticket& ticket = band->second->next(now);
    take_out(ticket, now);
    return &ticket;
  }
  return nullptr;
}

Ticket* FlowQueues::expire(TimePoint now) {
  if (expiry_.empty() || expiry_.top().expires > now) return nullptr;
  Ticket& ticket = expiry_.top();
  take_out(ticket, now);
  return &ticket;
}

void FlowQueues::collect_garbage(TimePoint now) {
  while (!idle_.empty() && now - idle_.front()->idle_since >= config_.idle_flow_after) {
    forget(*idle_.front());
  }
  for (auto band = bands_.begin(); band != bands_.end();) {
    Band& it = *band->second;
    it.fairness().sweep(now);
    const bool idle = it.dynamic() && it.requests() == 0 && it.num_flows() == 0 &&
                      now - it.empty_since() >= config_.idle_band_after;
    if (idle) --num_dynamic_bands_;
    band = idle ? bands_.erase(band) : std::next(band);
  }
}

void FlowQueues::served(int priority, std::string_view fairness_id, std::uint64_t prompt_tokens,
                        std::uint64_t completion_tokens, TimePoint now) {
  const auto band = bands_.find(priority);
  if (band == bands_.end()) return;
  band->second->fairness().served(fairness_id, prompt_tokens, completion_tokens, now);
}

}  // namespace nacelle::router::flow
