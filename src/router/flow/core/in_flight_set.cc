#include "router/flow/core/in_flight_set.h"

namespace nacelle::router::flow {

void InFlightSet::add(InFlight& request) {
  CHECK(request.state == InFlight::State::kNone);
  request.state = InFlight::State::kDispatched;
  ++size_;
  reserved_requests_ += 1;
  reserved_tokens_ += static_cast<double>(request.tokens);
  if (request.evictable && request.priority < 0) {
    auto& same = victims_[request.priority];
    request.victim_place = same.insert(same.begin(), &request);
    request.listed = true;
  }
}

void InFlightSet::placed(InFlight& request, TimePoint now) {
  if (request.state != InFlight::State::kDispatched) return;
  request.state = InFlight::State::kPlaced;
  request.placed_at = now;
  request.placed_place = placed_.insert(placed_.end(), &request);
}

void InFlightSet::remove(InFlight& request) {
  const auto tokens = static_cast<double>(request.tokens);
  switch (request.state) {
    case InFlight::State::kNone:
      return;
    case InFlight::State::kPlaced:
      placed_.erase(request.placed_place);
      [[fallthrough]];
    case InFlight::State::kDispatched:
      reserved_requests_ -= 1;
      reserved_tokens_ -= tokens;
      break;
    case InFlight::State::kCovered:
      if (reading_.follows_completions) outdated_ = true;
      break;
  }
  request.state = InFlight::State::kNone;
  --size_;
  unlist(request);
}

void InFlightSet::read(const PoolReading& reading) {
  reading_ = reading;
  outdated_ = false;
  while (!placed_.empty() && placed_.front()->placed_at <= reading.covers) {
    InFlight& request = *placed_.front();
    placed_.pop_front();
    request.state = InFlight::State::kCovered;
    reserved_requests_ -= 1;
    reserved_tokens_ -= static_cast<double>(request.tokens);
  }
}

void InFlightSet::unlist(InFlight& request) {
  if (!request.listed) return;
  request.listed = false;
  const auto same = victims_.find(request.priority);
  same->second.erase(request.victim_place);
  if (same->second.empty()) victims_.erase(same);
}

InFlight* InFlightSet::take_victim(int below) {
  if (victims_.empty() || victims_.begin()->first >= below) return nullptr;
  InFlight* victim = victims_.begin()->second.front();
  unlist(*victim);
  return victim;
}

}  // namespace nacelle::router::flow
