#include "router/producer/approx_prefix_cache/approx_prefix_cache.h"

#include <algorithm>

namespace nacelle::router {
namespace {

constexpr std::uint32_t kUnlimitedBlocks = 1u << 20;  // 64 Mi tokens: no prompt is longer

}  // namespace

std::shared_ptr<Plugin> ApproxPrefixCache::make(Fields& fields, BuildContext& context) {
  Options options;
  constexpr std::int64_t kMax = 100'000'000;
  std::uint32_t block_size_chars = 0;
  fields.boolean("autoTune", options.auto_tune);
  fields.count("blockSizeTokens", options.block_size_tokens, 1, 1 << 16);
  fields.count("blockSize", block_size_chars, 1, 1 << 18);
  if (block_size_chars > 0 && !fields.has("blockSizeTokens")) {
    options.block_size_tokens = std::max(1u, block_size_chars / 4);
  }
  fields.count("maxPrefixBlocksToMatch", options.max_prefix_blocks, 0, kMax);
  fields.count("maxPrefixTokensToMatch", options.max_prefix_tokens, 0, kMax);
  fields.count("lruCapacityPerServer", options.lru_capacity, 1, kMax);
  return std::make_shared<ApproxPrefixCache>(
      context.add_prefix_source(std::string(kApproxPrefixProducer)), options,
      context.profile("prefill"));
}

PrefixHashOptions ApproxPrefixCache::hash_options(const PoolSnapshot& pool) const {
  std::uint32_t block = options_.block_size_tokens;
  if (options_.auto_tune) {
    for (const EndpointSnapshot& endpoint : pool.endpoints) {
      if (endpoint.metrics.block_size_tokens == 0) continue;
      block = endpoint.metrics.block_size_tokens;
      break;
    }
  }
  PrefixHashOptions out;
  out.block_size_tokens = std::max(block, kMinBlockTokens);
  out.max_blocks = options_.max_prefix_tokens > 0
                       ? std::max(1u, options_.max_prefix_tokens / out.block_size_tokens)
                   : options_.max_prefix_blocks > 0 ? options_.max_prefix_blocks
                                                    : kUnlimitedBlocks;
  return out;
}

void ApproxPrefixCache::produce(DecisionInput& input) {
  PrefixColumn& column = input.prefix[source()];
  column.total_blocks = static_cast<std::uint32_t>(input.request.block_hashes.size());
  column.block_size_tokens = input.request.block_size_tokens;
  column.cached.clear();
  const PoolView& pool = *input.pool;
  column.matched.resize(pool.size());
  std::uint32_t ids = 0;
  for (std::uint32_t i = 0; i < pool.size(); ++i) {
    ids = std::max(ids, pool.endpoint(i).id.value + 1);
  }
  by_id_.resize(ids);
  index_.match(input.request.block_hashes, by_id_);
  for (std::uint32_t i = 0; i < pool.size(); ++i)
    column.matched[i] = by_id_[pool.endpoint(i).id.value];
}

void ApproxPrefixCache::committed(const DecisionInput& input, const Decision& decision) {
  const auto insert = [&](const ProfileResult& result) {
    if (result.done()) {
      index_.insert(input.pool->endpoint(result.targets.front().position).id,
                    input.request.block_hashes);
    }
  };
  insert(decision.results[decision.primary]);
  if (prefill_profile_ && *prefill_profile_ != decision.primary) {
    insert(decision.results[*prefill_profile_]);
  }
}

// Another request with this prefix may have gone to `from` meanwhile: its blocks are forgotten with
// these, which costs that endpoint a preference and no answer.
void ApproxPrefixCache::moved(const Move& move, std::vector<HeaderValue>&) {
  const std::uint32_t held = source() < move.held.size() ? move.held[source()] : 0;
  if (held < move.block_hashes.size()) index_.remove(move.from, move.block_hashes.subspan(held));
  index_.insert(move.to.id, move.block_hashes);
}

void ApproxPrefixCache::pool_changed(const PoolView& pool) {
  for (const EndpointSnapshot& endpoint : pool.snapshot()->endpoints) {
    std::uint32_t capacity = options_.lru_capacity;
    const EndpointMetrics& metrics = endpoint.metrics;
    if (options_.auto_tune && metrics.num_blocks > 0 && metrics.block_size_tokens > 0) {
      // The index counts in blocks of at least 64 tokens whatever the engine's own block size.
      const std::uint64_t tokens = std::uint64_t{metrics.block_size_tokens} * metrics.num_blocks;
      const std::uint32_t block = std::max(metrics.block_size_tokens, kMinBlockTokens);
      capacity =
          static_cast<std::uint32_t>(std::clamp<std::uint64_t>(tokens / block, 1, 100'000'000));
    }
    index_.set_capacity(endpoint.id, capacity);
  }
}

}  // namespace nacelle::router
