// shared_prefix.h: which sequences of a batch have the same first blocks, so that attention can
// read their K and V once.
//
// Sequences and their shared parts form a tree: some share their first parts with all, some a few
// more with each other. A node is a run of parts and the sequences that share it:
//
//   a: 1 2 3 4      parts of one block     [0, 2): a b c
//   b: 1 2 3 5   ─────────────────────►    [2, 3): a b
//   c: 1 2 6
//
// Pure. The memory is kept between calls: find() does not allocate in a steady state. O(n log n)
// comparisons of block tables plus O(n) per level of the tree.
//
// Home:    any one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace nacelle::kernels {

struct PrefixCandidate {
  std::uint32_t sequence = 0;             // the caller's number
  std::uint32_t num_parts = 0;            // whole parts that may be shared
  const std::uint32_t* blocks = nullptr;  // block table, covers num_parts parts
};

// Parts [first_part, last_part) lie in the same blocks for `num_members` sequences.
struct SharedParts {
  std::uint32_t first_part = 0;
  std::uint32_t last_part = 0;
  std::uint32_t first_member = 0;  // in SharedPrefixes::members()
  std::uint32_t num_members = 0;   // at least 2
};

class SharedPrefixes {
 public:
  // A part is `part_tokens` positions, a block `block_size`.
  void find(std::span<const PrefixCandidate> candidates, std::size_t part_tokens,
            std::size_t block_size);

  // Runs of one sequence follow each other from part 0 on, without gaps.
  [[nodiscard]] std::span<const SharedParts> nodes() const { return nodes_; }
  // Candidates in the order that nodes() refer to.
  [[nodiscard]] std::span<const PrefixCandidate> members() const { return members_; }

 private:
  void add_nodes(std::uint32_t begin, std::uint32_t end, std::uint32_t first_part);

  std::vector<PrefixCandidate> members_;  // sorted so that shared prefixes are neighbours
  std::vector<std::uint32_t> common_;     // parts that members i - 1 and i share
  std::vector<SharedParts> nodes_;
};

}  // namespace nacelle::kernels
