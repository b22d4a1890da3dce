#include "router/candidate.h"

#include <numeric>

namespace nacelle::router {

void Candidates::reset(std::size_t count) {
  positions_.resize(count);
  std::iota(positions_.begin(), positions_.end(), 0u);
}

std::uint64_t PickContext::uncached_tokens(PrefixSourceId source, std::uint32_t position) const {
  const std::uint64_t prompt = request.prompt_tokens;
  if (source >= input.prefix.size()) return prompt;
  const std::uint64_t cached =
      std::uint64_t{matched_blocks(source, position)} * input.prefix[source].block_size_tokens;
  return cached >= prompt ? 0 : prompt - cached;
}

}  // namespace nacelle::router
