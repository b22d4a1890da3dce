// shared_index_source.h: the precise index as a source of prefix matches.
//
// Home:    under the router's lock; the index has its own.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "router/kv_events/key_space.h"
#include "router/kv_events/shared_index.h"
#include "router/prefix_match_source.h"
#include "router/producer/precise_prefix_cache/precise_prefix_cache.h"

namespace nacelle::router {

class SharedIndexSource final : public PrefixMatchSource {
 public:
  SharedIndexSource(std::shared_ptr<SharedPreciseIndex> index, Duration speculative_ttl)
      : index_(std::move(index)), speculative_ttl_(speculative_ttl) {}

  void match(std::span<const std::uint64_t> hashes, std::span<std::uint32_t> matched,
             std::span<std::uint32_t> cached) override;
  void placed(EndpointId endpoint, std::span<const std::uint64_t> hashes, TimePoint now) override;
  void forget(EndpointId endpoint) override { index_->clear(endpoint); }

 private:
  std::shared_ptr<SharedPreciseIndex> index_;
  Duration speculative_ttl_;
  MatchScratch scratch_;
  std::vector<PreciseMatch> matches_;  // reused
};

// How events and prompts are named for this configuration.
[[nodiscard]] KeySpace key_space_of(const PrecisePrefixConfig& config, std::string model);
[[nodiscard]] PreciseIndex::Options index_options_of(const PrecisePrefixConfig& config);

}  // namespace nacelle::router
