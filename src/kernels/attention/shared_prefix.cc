#include "kernels/attention/shared_prefix.h"

#include <algorithm>
#include <cstring>

namespace nacelle::kernels {
namespace {

// Blocks that hold the candidate's parts.
std::size_t num_blocks(const PrefixCandidate& candidate, std::size_t part_tokens,
                       std::size_t block_size) {
  return (candidate.num_parts * part_tokens + block_size - 1) / block_size;
}

}  // namespace

void SharedPrefixes::find(std::span<const PrefixCandidate> candidates, std::size_t part_tokens,
                          std::size_t block_size) {
  nodes_.clear();
  members_.clear();
  // At once what this many may ever need: contexts grow from step to step, batches do not.
  nodes_.reserve(candidates.size());
  members_.reserve(candidates.size());
  common_.reserve(candidates.size());
  for (const PrefixCandidate& candidate : candidates) {
    if (candidate.num_parts != 0) members_.push_back(candidate);
  }
  const auto shared_blocks = [&](const PrefixCandidate& a, const PrefixCandidate& b) {
    return std::min(num_blocks(a, part_tokens, block_size), num_blocks(b, part_tokens, block_size));
  };
  // Any order that puts equal prefixes side by side will do: that of the bytes is the fastest.
  const auto before = [&](const PrefixCandidate& a, const PrefixCandidate& b) {
    const int order = std::memcmp(a.blocks, b.blocks, shared_blocks(a, b) * sizeof(std::uint32_t));
    if (order != 0) return order < 0;
    return a.num_parts != b.num_parts ? a.num_parts < b.num_parts : a.sequence < b.sequence;
  };
  std::sort(members_.begin(), members_.end(), before);
  common_.assign(members_.size(), 0);
  for (std::size_t i = 1; i < members_.size(); ++i) {
    const PrefixCandidate& a = members_[i - 1];
    const PrefixCandidate& b = members_[i];
    const std::uint32_t* end = a.blocks + shared_blocks(a, b);
    const std::size_t equal =
        static_cast<std::size_t>(std::mismatch(a.blocks, end, b.blocks).first - a.blocks);
    const std::size_t parts = equal * block_size / part_tokens;
    common_[i] = std::min({static_cast<std::uint32_t>(parts), a.num_parts, b.num_parts});
  }
  // A tree per run of neighbours that share something.
  const auto size = static_cast<std::uint32_t>(members_.size());
  for (std::uint32_t begin = 0; begin < size;) {
    std::uint32_t end = begin + 1;
    while (end < size && common_[end] != 0) ++end;
    add_nodes(begin, end, 0);
    begin = end;
  }
}

void SharedPrefixes::add_nodes(std::uint32_t begin, std::uint32_t end, std::uint32_t first_part) {
  if (end - begin < 2) return;
  const auto inner = common_.begin();
  const std::uint32_t shared = *std::min_element(inner + begin + 1, inner + end);
  if (shared > first_part) nodes_.push_back({first_part, shared, begin, end - begin});
  for (std::uint32_t child = begin; child < end;) {
    std::uint32_t child_end = child + 1;
    while (child_end < end && common_[child_end] > shared) ++child_end;
    add_nodes(child, child_end, shared);
    child = child_end;
  }
}

}  // namespace nacelle::kernels
