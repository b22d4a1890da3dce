#include "kernels/threads/numa_memory.h"

#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>

namespace nacelle::kernels {
namespace {

constexpr std::size_t kWordBits = sizeof(unsigned long) * CHAR_BIT;

}  // namespace

std::vector<unsigned long> node_mask(const CpuList& nodes) {
  std::vector<unsigned long> words;
  for (const CpuNumber node : nodes) {
    if (words.size() <= node / kWordBits) words.resize(node / kWordBits + 1, 0);
    words[node / kWordBits] |= 1UL << node % kWordBits;
  }
  return words;
}

bool interleave_memory(const CpuList& nodes) {
  if (nodes.size() < 2) return false;
  const std::vector<unsigned long> mask = node_mask(nodes);
  // The call takes one bit less than it is told.
  const unsigned long bits = mask.size() * kWordBits + 1;
  return syscall(SYS_set_mempolicy, MPOL_INTERLEAVE, mask.data(), bits) == 0;
}

}  // namespace nacelle::kernels
