#include "router/scorer/active_request/active_request.h"

#include <algorithm>

#include "router/producer/inflight_load/inflight_load.h"

namespace nacelle::router {

std::shared_ptr<Plugin> ActiveRequestScorer::make(Fields& fields, BuildContext& context) {
  Options options;
  fields.count("idleThreshold", options.idle_threshold, 0, 1'000'000);
  fields.number("maxBusyScore", options.max_busy_score, 0, 1);
  fields.ignored("requestTimeout");  // counts end with their requests here
  (void)context.producer<InflightLoad>(fields, "inFlightLoadProducerName", kInflightLoadProducer);
  return std::make_shared<ActiveRequestScorer>(options);
}

void ActiveRequestScorer::score(const PickContext& context, const Candidates& candidates,
                                std::span<double> scores) const {
  std::uint64_t highest = 0;
  for (const std::uint32_t position : candidates) {
    highest = std::max(highest, context.input.load_requests[position]);
  }
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const std::uint64_t count = context.input.load_requests[candidates[i]];
    scores[i] = count <= options_.idle_threshold
                    ? 1.0
                    : static_cast<double>(highest - count) / static_cast<double>(highest) *
                          options_.max_busy_score;
  }
}

}  // namespace nacelle::router
