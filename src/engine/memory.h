// memory.h: how many KV blocks fit, decided before anything is allocated. Pure.
//
// Errors:  resource_exhausted when not even one request of max_model_len fits, naming what is
// needed,
//          what there is, and the longest model length that would fit.
// Source:  engine.md section 23 (N) and section 33 (CPU).
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"

namespace nacelle::engine {

// What this process may use, from the machine and its cgroup (host_memory.h).
struct HostMemory {
  std::uint64_t total_bytes = 0;
  std::uint64_t available_bytes = 0;  // could be had now without pushing anyone out
  std::uint64_t used_bytes = 0;       // resident in this process already, weights included
};

struct KvMemoryRequest {
  std::uint64_t bytes_per_block = 0;
  std::uint32_t block_size = 16;    // tokens
  std::uint32_t max_model_len = 0;  // tokens
  // The first one given decides: the number of blocks, the bytes, or the share of the host.
  std::optional<std::uint32_t> num_blocks_override;
  std::optional<std::uint64_t> kv_bytes;
  double memory_share = 0.92;  // of total_bytes, for weights, steps and KV together
  // Activations and logits of the largest step: not there yet, and part of the share.
  std::uint64_t step_bytes = 0;
};

// Bytes for KV under `memory_share`: share * total - used, and not more than is available.
[[nodiscard]] std::uint64_t kv_bytes_of_share(const HostMemory& host, double memory_share);

// The null block included. No more blocks than max_blocks, when it is not 0.
[[nodiscard]] Result<std::uint32_t> choose_num_blocks(const KvMemoryRequest& request,
                                                      const HostMemory& host,
                                                      std::uint32_t max_blocks = 0);

}  // namespace nacelle::engine
