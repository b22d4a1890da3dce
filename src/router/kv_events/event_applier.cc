#include "router/kv_events/event_applier.h"

namespace nacelle::router {
namespace {

Plane plane_of(kv_events::Medium medium) {
  switch (medium) {
    case kv_events::Medium::kGpu:
      return Plane::kGpu;
    case kv_events::Medium::kCpu:
      return Plane::kCpu;
    case kv_events::Medium::kDisk:
      return Plane::kDisk;
  }
  return Plane::kDisk;
}

void add(std::atomic<std::uint64_t>& counter, std::uint64_t by) {
  counter.fetch_add(by, std::memory_order_relaxed);
}

}  // namespace

EventApplier::EventApplier(const KeySpace& space, SharedPreciseIndex& index, SubscriberStats& stats)
    : space_(space),
      index_(index),
      stats_(stats),
      decoder_(space.kind == KeyKind::kRequestKey ? kv_events::TokenUse::kRead
                                                  : kv_events::TokenUse::kSkip) {}

RequestKeyMap& EventApplier::request_keys() {
  if (endpoint_.value >= request_keys_.size()) request_keys_.resize(endpoint_.value + 1);
  auto& keys = request_keys_[endpoint_.value];
  if (keys == nullptr) keys = std::make_unique<RequestKeyMap>(space_);
  return *keys;
}

void EventApplier::clear(EndpointId endpoint) {
  if (endpoint.value < request_keys_.size()) request_keys_[endpoint.value].reset();
  index_.clear(endpoint);
}

Status EventApplier::apply(EndpointId endpoint, std::span<const std::uint8_t> payload) {
  endpoint_ = endpoint;
  const std::uint64_t skipped = decoder_.num_skipped();
  const auto head = decoder_.decode(payload, *this);
  add(stats_.stores_skipped, decoder_.num_skipped() - skipped);
  return head.status();
}

void EventApplier::on_stored(const kv_events::Stored& event) {
  if (space_.kind == KeyKind::kEngineHash) {
    add(stats_.blocks_stored, event.hashes.size());
    return index_.store(endpoint_, plane_of(event.medium), event.hashes);
  }
  if (!request_keys().stored(event, keys_)) return add(stats_.stores_skipped, 1);
  add(stats_.blocks_stored, keys_.size());
  index_.store(endpoint_, plane_of(event.medium), keys_);
}

void EventApplier::on_removed(const kv_events::Removed& event) {
  std::span<const std::uint64_t> keys = event.hashes;
  if (space_.kind == KeyKind::kRequestKey) {
    request_keys().removed(event, keys_);
    keys = keys_;
    if (keys.empty()) return add(stats_.removals_skipped, 1);
  }
  add(stats_.blocks_removed, keys.size());
  index_.remove(endpoint_, plane_of(event.medium), keys);
}

void EventApplier::on_all_cleared() { clear(endpoint_); }

}  // namespace nacelle::router
