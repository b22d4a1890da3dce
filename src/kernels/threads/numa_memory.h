// numa_memory.h: spreads memory over the NUMA nodes whose CPUs work on it.
//
// Weights and KV are read by all kernel threads, so with threads on several nodes pages alternate
// between these: every node's memory channels carry an equal part. Without it the node whose thread
// touches a page first keeps it. On one node there is nothing to do.
//
// The policy belongs to a thread, and threads started later inherit it; it holds for the pages that
// these touch first: weights, KV, scratch, and files that are read or mapped.
//
// Errors:  none: where the system refuses, memory stays where it is first touched.
// Source:  set_mempolicy(2), MPOL_INTERLEAVE; called directly, so that libnuma is not needed.
#pragma once

#include <vector>

#include "kernels/threads/cpu_list.h"

namespace nacelle::kernels {

// Call on the main thread before the weights load and before kernel threads start. True when pages
// alternate from now on; false on one node and where the system refuses.
bool interleave_memory(const CpuList& nodes);

// Bit n of the mask, in words as the system call takes them, stands for node n.
[[nodiscard]] std::vector<unsigned long> node_mask(const CpuList& nodes);

}  // namespace nacelle::kernels
