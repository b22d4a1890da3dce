// approx_prefix_cache.h: prefix matches from what this router itself sent where.
//
// Home:    the router's lock.
// Bounds:  an LRU per endpoint as large as its KV cache (or lruCapacityPerServer).
// Source:  router.md sections 9.4 and 10.
#pragma once

#include <memory>

#include "router/config/fields.h"
#include "router/core/prefix_index.h"
#include "router/plugin_registry.h"
#include "router/prefix_hash.h"
#include "router/producer/prefix_producer.h"

namespace nacelle::router {

class ApproxPrefixCache final : public PrefixProducer {
 public:
  struct Options {
    bool auto_tune = true;  // block size and capacities from what the engines report
    std::uint32_t block_size_tokens = 16;
    std::uint32_t max_prefix_blocks = 2048;
    std::uint32_t max_prefix_tokens = 131072;  // wins over blocks; both 0: unlimited
    std::uint32_t lru_capacity = PrefixIndex::kDefaultCapacityBlocks;
  };
  static constexpr std::uint32_t kMinBlockTokens = 64;

  ApproxPrefixCache(PrefixSourceId source, const Options& options,
                    std::optional<std::uint32_t> prefill_profile)
      : PrefixProducer(source), options_(options), prefill_profile_(prefill_profile) {}
  static std::shared_ptr<Plugin> make(Fields& fields, BuildContext& context);

  // How prompts are to be hashed for this index, given the pool.
  [[nodiscard]] PrefixHashOptions hash_options(const PoolSnapshot& pool) const;

  [[nodiscard]] std::optional<std::size_t> size() const override { return index_.num_hashes(); }
  void produce(DecisionInput& input) override;
  void committed(const DecisionInput& input, const Decision& decision) override;
  void moved(const Move& move, std::vector<HeaderValue>& response_headers) override;
  void pool_changed(const PoolView& pool) override;
  void forget(EndpointId endpoint) override { index_.remove(endpoint); }

 private:
  Options options_;
  std::optional<std::uint32_t> prefill_profile_;
  PrefixIndex index_;
  std::vector<std::uint32_t> by_id_;  // reused between picks
};

}  // namespace nacelle::router
