#include "router/scorer/latency/latency.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace nacelle::router {
namespace {

constexpr double kNoRange = 1e-9;

struct Range {
  double low = 0, high = 0;
  [[nodiscard]] bool empty() const { return high - low <= kNoRange; }
  [[nodiscard]] double place(double value) const {
    return empty() ? 0.5 : (value - low) / (high - low);
  }
};

}  // namespace

std::shared_ptr<Plugin> LatencyScorer::make(Fields& fields, BuildContext& context) {
  Options options;
  fields.number("ttftWeight", options.ttft_weight, 0, 1e6);
  fields.number("tpotWeight", options.tpot_weight, 0, 1e6);
  fields.choice("headroomSelectionStrategy", options.most_headroom,
                {{"least", false}, {"most", true}});
  fields.number("compositeKVWeight", options.composite_kv, 0, 1e6);
  fields.number("compositeQueueWeight", options.composite_queue, 0, 1e6);
  fields.number("compositePrefixWeight", options.composite_prefix, 0, 1e6);
  return std::make_shared<LatencyScorer>(
      options, context.producer<PredictedLatency>(fields, "latencyPredictionInfoProducerName",
                                                  kPredictedLatencyProducer));
}

void LatencyScorer::score(const PickContext& context, const Candidates& candidates,
                          std::span<double> scores) const {
  // In the order they are preferred; the first that is not empty scores.
  enum Bucket { kPositive, kIdle, kTpotMissed, kTtftMissed, kBothMissed, kBuckets };
  std::array<std::vector<Rated>, kBuckets> buckets;
  bool any_prediction = false;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const auto headroom = predictions_.headroom(context, candidates[i]);
    any_prediction |= headroom.has_value();
    const Rated rated{i, headroom.value_or(LatencyHeadroom())};
    if (rated.headroom.ok()) {
      buckets[kPositive].push_back(rated);
      continue;
    }
    if (context.input.load_requests[candidates[i]] == 0) buckets[kIdle].push_back(rated);
    const Bucket missed = rated.headroom.ttft_ok()   ? kTpotMissed
                          : rated.headroom.tpot_ok() ? kTtftMissed
                                                     : kBothMissed;
    buckets[missed].push_back(rated);
  }
  if (!any_prediction) return composite(context, candidates, scores);
  for (const auto& bucket : buckets) {
    if (bucket.empty()) continue;
    const bool positive = &bucket == &buckets[kPositive];
    return rate_bucket(bucket, positive && options_.most_headroom, scores);
  }
}

void LatencyScorer::rate_bucket(std::span<const Rated> bucket, bool most,
                                std::span<double> scores) const {
  const auto range_of = [&](auto value) {
    Range range{std::abs(value(bucket[0])), std::abs(value(bucket[0]))};
    for (const Rated& rated : bucket) {
      range.low = std::min(range.low, std::abs(value(rated)));
      range.high = std::max(range.high, std::abs(value(rated)));
    }
    return range;
  };
  const auto ttft_of = [](const Rated& rated) { return rated.headroom.ttft_ms; };
  const auto tpot_of = [](const Rated& rated) { return rated.headroom.tpot_ms; };
  const Range ttft = range_of(ttft_of), tpot = range_of(tpot_of);

  double ttft_weight = options_.ttft_weight, tpot_weight = options_.tpot_weight;
  if (ttft_weight + tpot_weight <= 0) ttft_weight = 1, tpot_weight = 0;
  if (ttft.empty() && !tpot.empty()) tpot_weight += std::exchange(ttft_weight, 0.0);
  if (tpot.empty() && !ttft.empty()) ttft_weight += std::exchange(tpot_weight, 0.0);
  const double sum = ttft_weight + tpot_weight;
  for (const Rated& rated : bucket) {
    const double combined = ttft_weight / sum * ttft.place(std::abs(ttft_of(rated))) +
                            tpot_weight / sum * tpot.place(std::abs(tpot_of(rated)));
    const double wanted = most ? combined : 1 - combined;
    scores[rated.index] = (std::trunc(wanted * 100) + 1) / 100;
  }
}

void LatencyScorer::composite(const PickContext& context, const Candidates& candidates,
                              std::span<double> scores) const {
  double longest = 0;
  for (const std::uint32_t position : candidates) {
    longest = std::max(longest, context.waiting(position));
  }
  const PrefixSourceId source = predictions_.prefix_source();
  const double total = context.input.prefix[source].total_blocks;
  const double sum = options_.composite_kv + options_.composite_queue + options_.composite_prefix;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const std::uint32_t position = candidates[i];
    const double kv = 1 - context.kv_usage(position);
    const double queue = longest == 0 ? 1 : (longest - context.waiting(position)) / longest;
    const double prefix = total == 0 ? 0 : context.matched_blocks(source, position) / total;
    const double value = sum <= 0 ? kv
                                  : (options_.composite_kv * kv + options_.composite_queue * queue +
                                     options_.composite_prefix * prefix) /
                                        sum;
    scores[i] = std::round(100 * value) / 100;
  }
}

}  // namespace nacelle::router
