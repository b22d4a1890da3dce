// prefix_match_source.h: an index that knows from the engines themselves what they have cached.
//
// The precise index implements it; the producer `precise-prefix-cache-producer` reads it in every
// pick.
//
// Home:    called under the router's lock; an implementation that other threads feed has a leaf
// lock
//          of its own.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/clock.h"
#include "router/endpoint.h"

namespace nacelle::router {

class PrefixMatchSource {
 public:
  virtual ~PrefixMatchSource() = default;

  // Leading blocks of the prompt that each endpoint holds without a gap. Both spans are indexed by
  // EndpointId and come in as zeros.
  //   matched  each block weighted by its memory tier, the sum truncated
  //   cached   plain count
  virtual void match(std::span<const std::uint64_t> hashes, std::span<std::uint32_t> matched,
                     std::span<std::uint32_t> cached) = 0;

  // The request was placed: the blocks will be there soon (speculative entries).
  virtual void placed(EndpointId endpoint, std::span<const std::uint64_t> hashes,
                      TimePoint now) = 0;

  // The endpoint left or restarted.
  virtual void forget(EndpointId endpoint) = 0;
};

}  // namespace nacelle::router
