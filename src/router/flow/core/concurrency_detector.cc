#include "router/flow/core/concurrency_detector.h"

#include <algorithm>

namespace nacelle::router::flow {

namespace {

// A capacity of 0 is always full.
double share(std::uint64_t in_flight, std::uint64_t capacity) {
  return capacity == 0 ? 1 : static_cast<double>(in_flight) / static_cast<double>(capacity);
}

}  // namespace

double ConcurrencyDetector::request_ratio(const EndpointLoad& endpoint) const {
  return share(endpoint.in_flight_requests, config_.max_concurrency);
}

double ConcurrencyDetector::token_ratio(const EndpointLoad& endpoint) const {
  return share(endpoint.in_flight_tokens, config_.max_token_concurrency);
}

double ConcurrencyDetector::load(const EndpointLoad& endpoint) const {
  switch (config_.mode) {
    case ConcurrencyMode::kRequests:
      return request_ratio(endpoint);
    case ConcurrencyMode::kTokens:
      return token_ratio(endpoint);
    case ConcurrencyMode::kHybrid:
      return std::max(request_ratio(endpoint), token_ratio(endpoint));
  }
  return 1;
}

bool ConcurrencyDetector::has_headroom(const EndpointLoad& endpoint, TimePoint) const {
  return load(endpoint) < 1 + config_.headroom;
}

// Every endpoint has the same capacity, so the quotient of sums is the mean of quotients.
StageReading ConcurrencyDetector::read_stage(std::span<const EndpointLoad* const> endpoints,
                                             TimePoint) const {
  double sum = 0;
  for (const EndpointLoad* endpoint : endpoints) sum += load(*endpoint);
  const auto n = static_cast<double>(endpoints.size());
  StageReading stage;
  stage.endpoints = endpoints.size();
  stage.saturation = sum / n;
  // In hybrid mode a request adds the larger of both at most: adding both errs on the safe side.
  if (config_.mode != ConcurrencyMode::kTokens)
    stage.per_request = share(1, config_.max_concurrency) / n;
  if (config_.mode != ConcurrencyMode::kRequests) {
    stage.per_token = share(1, config_.max_token_concurrency) / n;
  }
  return stage;
}

void ConcurrencyDetector::describe(std::span<const EndpointLoad>, TimePoint now,
                                   PoolReading& reading) const {
  reading.covers = now;
  reading.follows_completions = true;
}

}  // namespace nacelle::router::flow
