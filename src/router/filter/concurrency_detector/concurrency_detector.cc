#include "router/filter/concurrency_detector/concurrency_detector.h"

#include "router/producer/inflight_load/inflight_load.h"

namespace nacelle::router {

std::shared_ptr<Plugin> ConcurrencyDetectorFilter::make(Fields& fields, BuildContext& context) {
  flow::DetectorConfig settings;
  settings.kind = flow::DetectorKind::kConcurrency;
  fields.choice("concurrencyMode", settings.mode,
                {{"requests", flow::ConcurrencyMode::kRequests},
                 {"tokens", flow::ConcurrencyMode::kTokens},
                 {"hybrid", flow::ConcurrencyMode::kHybrid}});
  fields.count("maxConcurrency", settings.max_concurrency, 1, 1'000'000'000);
  fields.count("maxTokenConcurrency", settings.max_token_concurrency, 1, std::int64_t{1} << 50);
  fields.number("headroom", settings.headroom, 0, 1000);
  (void)context.producer<InflightLoad>(fields, "inFlightLoadProducerName", kInflightLoadProducer);
  return std::make_shared<ConcurrencyDetectorFilter>(settings);
}

void ConcurrencyDetectorFilter::filter(const PickContext& context, Candidates& candidates) const {
  const double room = 1 + settings().headroom;
  const double requests = static_cast<double>(settings().max_concurrency) * room;
  const double tokens = static_cast<double>(settings().max_token_concurrency) * room;
  const flow::ConcurrencyMode mode = settings().mode;
  candidates.keep_if([&](std::uint32_t position) {
    const DecisionInput& input = context.input;
    return (mode == flow::ConcurrencyMode::kTokens ||
            static_cast<double>(input.load_requests[position]) < requests) &&
           (mode == flow::ConcurrencyMode::kRequests ||
            static_cast<double>(input.load_tokens[position]) < tokens);
  });
}

}  // namespace nacelle::router
