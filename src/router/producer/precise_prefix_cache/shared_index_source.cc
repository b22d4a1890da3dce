#include "router/producer/precise_prefix_cache/shared_index_source.h"

#include <algorithm>

namespace nacelle::router {

void SharedIndexSource::match(std::span<const std::uint64_t> hashes,
                              std::span<std::uint32_t> matched, std::span<std::uint32_t> cached) {
  matches_.assign(matched.size(), PreciseMatch());
  index_->match(hashes, scratch_, matches_);
  for (std::size_t i = 0; i < matches_.size(); ++i) {
    matched[i] = static_cast<std::uint32_t>(matches_[i].weight);
    cached[i] = matches_[i].blocks;
  }
}

void SharedIndexSource::placed(EndpointId endpoint, std::span<const std::uint64_t> hashes,
                               TimePoint now) {
  index_->speculate(endpoint, {hashes.begin(), hashes.end()}, now + speculative_ttl_);
}

KeySpace key_space_of(const PrecisePrefixConfig& config, std::string model) {
  KeySpace out;
  out.kind = KeyKind::kRequestKey;
  out.block_size_tokens = config.block_size_tokens;
  out.seed = config.hash_seed;
  out.request_algorithm = config.hash_algorithm == PrecisePrefixConfig::HashAlgorithm::kXxh64
                              ? block_hash::RequestKeyAlgorithm::kXxh64
                              : block_hash::RequestKeyAlgorithm::kCborFnv;
  out.model = std::move(model);
  return out;
}

PreciseIndex::Options index_options_of(const PrecisePrefixConfig& config) {
  PreciseIndex::Options out;
  if (config.index_bytes > 0) out.max_bytes = config.index_bytes;
  for (const auto& [tier, weight] : config.tier_weights) {
    if (tier == "gpu") out.tier_weights[0] = static_cast<float>(weight);
    if (tier == "cpu") out.tier_weights[1] = static_cast<float>(weight);
    if (tier == "disk" || tier == "storage") out.tier_weights[2] = static_cast<float>(weight);
  }
  // The index takes the first tier for the fastest.
  for (float& weight : out.tier_weights) weight = std::min(weight, out.tier_weights[0]);
  return out;
}

}  // namespace nacelle::router
