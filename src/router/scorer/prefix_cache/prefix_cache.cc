#include "router/scorer/prefix_cache/prefix_cache.h"

#include <algorithm>

#include "router/producer/precise_prefix_cache/precise_prefix_cache.h"
#include "router/producer/prefix_producer.h"

namespace nacelle::router {
namespace {

// The deprecated scorer: it is also the producer whose parameters it takes.
class PreciseScorer final : public PrefixProducer, public Scorer {
 public:
  PreciseScorer(std::shared_ptr<PrecisePrefixCache> producer,
                const PrefixCacheScorer::Options& options)
      : PrefixProducer(producer->source()),
        producer_(std::move(producer)),
        scorer_(options, producer_->source()) {}

  void score(const PickContext& context, const Candidates& candidates,
             std::span<double> scores) const override {
    scorer_.score(context, candidates, scores);
  }
  void produce(DecisionInput& input) override { producer_->produce(input); }
  void committed(const DecisionInput& input, const Decision& decision) override {
    producer_->committed(input, decision);
  }
  void moved(const Move& move, std::vector<HeaderValue>& response_headers) override {
    producer_->moved(move, response_headers);
  }
  void forget(EndpointId endpoint) override { producer_->forget(endpoint); }
  PrecisePrefixCache* precise() override { return producer_.get(); }

 private:
  std::shared_ptr<PrecisePrefixCache> producer_;
  PrefixCacheScorer scorer_;
};

PrefixCacheScorer::Options read_options(Fields& fields) {
  PrefixCacheScorer::Options options;
  fields.number("matchLengthWeight", options.length_weight, 0, 1);
  fields.number("matchLengthScaleTokens", options.length_scale_tokens, 1, 1e9);
  return options;
}

}  // namespace

std::shared_ptr<Plugin> PrefixCacheScorer::make(Fields& fields, BuildContext& context) {
  const Options options = read_options(fields);
  const PrefixSourceId source =
      context.producer<PrefixProducer>(fields, "prefixMatchInfoProducerName", kApproxPrefixProducer)
          .source();
  return std::make_shared<PrefixCacheScorer>(options, source);
}

std::shared_ptr<Plugin> PrefixCacheScorer::make_precise(Fields& fields, BuildContext& context) {
  const Options options = read_options(fields);
  auto producer =
      std::static_pointer_cast<PrecisePrefixCache>(PrecisePrefixCache::make(fields, context));
  return std::make_shared<PreciseScorer>(std::move(producer), options);
}

void PrefixCacheScorer::score(const PickContext& context, const Candidates& candidates,
                              std::span<double> scores) const {
  const PrefixColumn& prefix = context.input.prefix[source_];
  if (prefix.total_blocks == 0 || prefix.matched.empty()) return;
  const double weight = options_.length_weight;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const auto matched = static_cast<double>(prefix.matched[candidates[i]]);
    const double share = matched / prefix.total_blocks;
    if (weight == 0) {
      scores[i] = share;
      continue;
    }
    const double length =
        std::min(1.0, matched * prefix.block_size_tokens / options_.length_scale_tokens);
    scores[i] = weight * length * length + (1 - weight) * share;
  }
}

}  // namespace nacelle::router
