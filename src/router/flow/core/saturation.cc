#include "router/flow/core/saturation.h"

#include <algorithm>
#include <numeric>

#include "router/flow/core/concurrency_detector.h"
#include "router/flow/core/utilization_detector.h"

namespace nacelle::router::flow {

EndpointRole role_from_label(std::string_view label) {
  if (label.empty() || label == "decode") return EndpointRole::kDecode;
  if (label == "prefill" || label == "encode-prefill") return EndpointRole::kPrefill;
  if (label == "prefill-decode" || label == "both" || label == "encode-prefill-decode") {
    return EndpointRole::kInterleaved;
  }
  return EndpointRole::kOther;
}

double PoolReading::effective(double requests, double tokens) const {
  if (!prefill.has_value() && !decode.has_value()) return 1;  // nobody can take a request
  double fullest = 0;
  for (const auto& stage : {prefill, decode}) {
    if (!stage.has_value()) continue;
    fullest = std::max(
        fullest, stage->saturation + requests * stage->per_request + tokens * stage->per_token);
  }
  return fullest;
}

PoolReading SaturationDetector::read(std::span<const EndpointLoad> endpoints, TimePoint now) const {
  std::vector<const EndpointLoad*> prefill;
  std::vector<const EndpointLoad*> decode;
  decode.reserve(endpoints.size());
  PoolReading reading;
  reading.endpoints = endpoints.size();
  for (const EndpointLoad& endpoint : endpoints) {
    const bool both = endpoint.role == EndpointRole::kInterleaved;
    if (both || endpoint.role == EndpointRole::kPrefill) prefill.push_back(&endpoint);
    if (both || endpoint.role == EndpointRole::kDecode) decode.push_back(&endpoint);
    if (stale(endpoint, now)) ++reading.stale_endpoints;
  }
  if (!prefill.empty()) reading.prefill = read_stage(prefill, now);
  if (!decode.empty()) reading.decode = read_stage(decode, now);
  describe(endpoints, now, reading);
  return reading;
}

void SaturationDetector::keep_with_headroom(std::span<const EndpointLoad> endpoints, TimePoint now,
                                            std::vector<std::uint32_t>& kept) const {
  kept.clear();
  for (std::uint32_t i = 0; i < endpoints.size(); ++i) {
    if (has_headroom(endpoints[i], now)) kept.push_back(i);
  }
  if (kept.empty() && fails_open()) {
    kept.resize(endpoints.size());
    std::iota(kept.begin(), kept.end(), 0U);
  }
}

std::unique_ptr<SaturationDetector> make_detector(const DetectorConfig& config) {
  if (config.kind == DetectorKind::kConcurrency) {
    return std::make_unique<ConcurrencyDetector>(config);
  }
  return std::make_unique<UtilizationDetector>(config);
}

}  // namespace nacelle::router::flow
