// routing_request.h: what the router needs to know about a request.
//
// Home:    a value of views; what they point at outlives the pick.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "router/endpoint.h"
#include "router/objective/request_facts.h"

namespace nacelle::router {

using objective::HeaderView;

struct RoutingRequest {
  // Chained block hashes of the prompt (prefix_hash.h), first block first. May be empty.
  std::span<const std::uint64_t> block_hashes;
  std::uint32_t block_size_tokens = 64;
  std::uint64_t prompt_tokens = 0;  // estimated when no tokenizer is at hand
  // Endpoints that were tried for this request and failed; not considered again.
  std::span<const EndpointId> excluded;
  std::uint64_t random = 0;  // the only source of chance in the decision

  // Block keys over the engine's own tokens, for the precise index. Empty without a tokenizer.
  std::span<const std::uint64_t> precise_hashes;
  std::uint32_t precise_block_size_tokens = 16;

  std::string_view model;               // as the engine is asked for it: after rewrites
  int priority = 0;                     // negative: sheddable
  std::uint64_t max_output_tokens = 0;  // the client's cap; 0 when it named none
  double slo_ttft_ms = 0;               // 0: none
  double slo_tpot_ms = 0;
  bool prefer_if_available = false;  // conditional decode: refused with 412 where nothing is cached
  std::span<const HeaderView> headers;
  // Only these are candidates (the data plane's subset hint); empty: the whole pool. host:port.
  std::span<const std::string_view> subset;

  // The first value of a header; "" when absent. `name` is in lower case.
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

}  // namespace nacelle::router
