// routing_request.h: what the router needs to know about a request.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "router/endpoint.h"

namespace nacelle::router {

struct RoutingRequest {
  // Chained block hashes of the prompt (prefix_hash.h), first block first. May be empty.
  std::span<const std::uint64_t> block_hashes;
  std::uint32_t block_size_tokens = 64;
  std::uint64_t prompt_tokens = 0;  // estimated when no tokenizer is at hand
  // Endpoints that were tried for this request and failed; not considered again.
  std::span<const EndpointId> excluded;
  std::uint64_t random = 0;  // the only source of chance in the decision
};

}  // namespace nacelle::router
