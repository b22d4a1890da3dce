#include "router/decider/prefix_based_pd/prefix_based_pd.h"

#include "router/producer/prefix_producer.h"

namespace nacelle::router {

std::shared_ptr<Plugin> PrefixBasedPdDecider::make(Fields& fields, BuildContext& context) {
  std::uint64_t non_cached = 0, prompt = 0;
  fields.count("nonCachedTokens", non_cached, 0, 100'000'000);
  fields.count("promptTokens", prompt, 0, 100'000'000);
  const PrefixSourceId source =
      context.producer<PrefixProducer>(fields, "prefixMatchInfoProducerName", kApproxPrefixProducer)
          .source();
  return std::make_shared<PrefixBasedPdDecider>(non_cached, prompt, source);
}

bool PrefixBasedPdDecider::wanted(const PickContext& context, std::uint32_t decode) const {
  const std::uint64_t tokens = context.request.prompt_tokens;
  if (non_cached_tokens_ == 0 || tokens < prompt_tokens_ || tokens < non_cached_tokens_) {
    return false;
  }
  const PrefixColumn& prefix = context.input.prefix[source_];
  // Plain counts: a block in a slower tier need not be computed either.
  const auto& cached = prefix.cached.empty() ? prefix.matched : prefix.cached;
  if (cached.empty()) return false;
  const std::uint64_t held = std::uint64_t{cached[decode]} * prefix.block_size_tokens;
  return tokens >= held && tokens - held >= non_cached_tokens_;
}

}  // namespace nacelle::router
