#include "router/scorer/no_hit_lru/no_hit_lru.h"

#include <algorithm>
#include <numeric>

#include "router/producer/prefix_producer.h"

namespace nacelle::router {

std::shared_ptr<Plugin> NoHitLruScorer::make(Fields& fields, BuildContext& context) {
  std::size_t capacity = 1024;
  fields.count("lruSize", capacity, 1, 10'000'000);
  std::string legacy_type, legacy_name;
  fields.text("prefixPluginType", legacy_type);
  fields.text("prefixPluginName", legacy_name);
  // The legacy pair named the scorer that embedded the index.
  const PrefixSourceId source =
      context.producer<PrefixProducer>(fields, "prefixMatchInfoProducerName", kApproxPrefixProducer)
          .source();
  return std::make_shared<NoHitLruScorer>(capacity, source, context.add_column("last cold request"),
                                          context.profile("prefill"));
}

void NoHitLruScorer::score(const PickContext& context, const Candidates& candidates,
                           std::span<double> scores) const {
  const auto& matched = context.input.prefix[source_].matched;
  const bool hit = !matched.empty() && std::any_of(candidates.begin(), candidates.end(),
                                                   [&](std::uint32_t p) { return matched[p] > 0; });
  if (hit) {
    std::fill(scores.begin(), scores.end(), 0.5);
    return;
  }
  const std::size_t count = candidates.size();
  if (count == 1) {
    scores[0] = 1.0;
    return;
  }
  const Column& last = context.input.columns[column_];
  if (last.size() != context.pool.size()) return;
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return last[candidates[a]] < last[candidates[b]];
  });
  for (std::size_t rank = 0; rank < count; ++rank) {
    scores[order[rank]] = 1.0 - static_cast<double>(rank) / static_cast<double>(count - 1);
  }
}

void NoHitLruScorer::produce(DecisionInput& input) {
  Column& last = input.columns[column_];
  last.assign(input.pool->size(), 0.0);
  if (last_used_.empty()) return;
  for (std::uint32_t i = 0; i < input.pool->size(); ++i) {
    const auto found = last_used_.find(input.pool->endpoint(i).id);
    if (found != last_used_.end()) last[i] = static_cast<double>(found->second);
  }
}

void NoHitLruScorer::committed(const DecisionInput& input, const Decision& decision) {
  const auto& matched = input.prefix[source_].matched;
  if (std::any_of(matched.begin(), matched.end(), [](std::uint32_t m) { return m > 0; })) return;
  const auto bump = [&](const ProfileResult& result) {
    if (result.done()) use(input.pool->endpoint(result.targets.front().position).id);
  };
  bump(decision.results[decision.primary]);
  if (prefill_profile_ && *prefill_profile_ != decision.primary) {
    bump(decision.results[*prefill_profile_]);
  }
}

void NoHitLruScorer::use(EndpointId endpoint) {
  last_used_[endpoint] = ++uses_;
  if (last_used_.size() <= capacity_) return;
  last_used_.erase(std::min_element(last_used_.begin(), last_used_.end(),
                                    [](auto& a, auto& b) { return a.second < b.second; }));
}

}  // namespace nacelle::router
