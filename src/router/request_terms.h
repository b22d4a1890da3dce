// request_terms.h: what a client's request says to the router, whoever read it: the gateway's
// picker or a stream of the Endpoint Picker. From these terms comes the RoutingRequest.
//
// Home:    values of views; headers, body and what `tokens` points at outlive the pick.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "router/objective/request_facts.h"
#include "router/prefix_hash.h"
#include "router/routing_request.h"

namespace nacelle::router {

// A prompt in the engine's own tokens, by the names that its KV events use.
struct PromptBlocks {
  std::vector<std::uint64_t> keys;  // of its full blocks; empty: the prompt has none
  std::uint32_t block_size_tokens = 16;
  std::uint64_t num_tokens = 0;
};

struct RequestTerms {
  // Of the headers.
  std::span<const HeaderView> headers;
  objective::RequestFacts facts;
  // Of the body.
  std::string_view model;  // as the engine is asked for it: after rewrites
  std::string_view cache_salt;
  std::string_view prompt;  // its JSON text
  std::uint64_t max_output_tokens = 0;
  // Of the objective that the headers name.
  int priority = 0;
  // Of the data plane, never of a client.
  std::span<const std::string_view> subset;
  const PromptBlocks* tokens = nullptr;  // null: the prompt was not tokenised
};

// `hashes` is overwritten with those of the prompt's text; the request refers to it and to `terms`.
[[nodiscard]] RoutingRequest routing_request_of(const RequestTerms& terms,
                                                const PrefixHashOptions& hashing,
                                                std::uint64_t random,
                                                std::vector<std::uint64_t>& hashes);

}  // namespace nacelle::router
