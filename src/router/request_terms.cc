#include "router/request_terms.h"

#include <chrono>

namespace nacelle::router {

RoutingRequest routing_request_of(const RequestTerms& terms, const PrefixHashOptions& hashing,
                                  std::uint64_t random, std::vector<std::uint64_t>& hashes) {
  const auto milliseconds = [](Duration d) {
    return std::chrono::duration<double, std::milli>(d).count();
  };
  hashes.clear();
  append_text_prefix_hashes(prefix_seed(terms.model, terms.cache_salt), terms.prompt, hashing,
                            hashes);
  RoutingRequest out;
  out.block_hashes = hashes;
  out.block_size_tokens = hashing.block_size_tokens;
  out.prompt_tokens = estimated_tokens(terms.prompt);
  if (terms.tokens != nullptr) {
    out.prompt_tokens = terms.tokens->num_tokens;
    out.precise_hashes = terms.tokens->keys;
    out.precise_block_size_tokens = terms.tokens->block_size_tokens;
  }
  out.random = random;
  out.model = terms.model;
  out.priority = terms.priority;
  out.max_output_tokens = terms.max_output_tokens;
  out.slo_ttft_ms = milliseconds(terms.facts.slo_ttft);
  out.slo_tpot_ms = milliseconds(terms.facts.slo_tpot);
  out.prefer_if_available = terms.facts.prefer_if_available;
  out.headers = terms.headers;
  out.subset = terms.subset;
  return out;
}

}  // namespace nacelle::router
