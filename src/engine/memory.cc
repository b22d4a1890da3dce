#include "engine/memory.h"

#include <algorithm>
#include <limits>

namespace nacelle::engine {
namespace {

double gib(double bytes) { return bytes / (1024.0 * 1024.0 * 1024.0); }

}  // namespace

std::uint64_t kv_bytes_of_share(const HostMemory& host, double memory_share) {
  const auto limit =
      static_cast<std::uint64_t>(static_cast<double>(host.total_bytes) * memory_share);
  const std::uint64_t left = limit > host.used_bytes ? limit - host.used_bytes : 0;
  return std::min(left, host.available_bytes);
}

Result<std::uint32_t> choose_num_blocks(const KvMemoryRequest& request, const HostMemory& host,
                                        std::uint32_t max_blocks) {
  if (request.bytes_per_block == 0 || request.block_size == 0 || request.max_model_len == 0) {
    return invalid_argument("a KV block has {} bytes and {} tokens, max_model_len is {}",
                            request.bytes_per_block, request.block_size, request.max_model_len);
  }
  if (!(request.memory_share > 0 && request.memory_share <= 1)) {
    return invalid_argument("the share of memory is {}, it must be in (0, 1]",
                            request.memory_share);
  }

  const std::uint64_t share = kv_bytes_of_share(host, request.memory_share);
  constexpr std::uint64_t kMaxBlocks = std::numeric_limits<std::int32_t>::max();
  const std::uint64_t kv_bytes = request.num_blocks_override
                                     ? *request.num_blocks_override * request.bytes_per_block
                                 : request.kv_bytes ? *request.kv_bytes
                                                    : share - std::min(share, request.step_bytes);
  std::uint64_t blocks = std::min(kv_bytes / request.bytes_per_block, kMaxBlocks);
  if (max_blocks > 0) blocks = std::min<std::uint64_t>(blocks, max_blocks);

  const std::uint64_t for_one =
      (std::uint64_t{request.max_model_len} + request.block_size - 1) / request.block_size;
  const std::uint64_t usable = blocks > 0 ? blocks - 1 : 0;  // block 0 is the null block
  if (usable < for_one) {
    return resource_exhausted(
        "one request of max_model_len {} needs {:.2f} GiB of KV cache ({} blocks), there are "
        "{:.2f} "
        "GiB ({} blocks): the estimated maximum model length is {}. Give the KV cache more memory "
        "or lower max_model_len.",
        request.max_model_len,
        gib(static_cast<double>(for_one + 1) * static_cast<double>(request.bytes_per_block)),
        for_one + 1, gib(static_cast<double>(kv_bytes)), blocks, usable * request.block_size);
  }
  return static_cast<std::uint32_t>(blocks);
}

}  // namespace nacelle::engine
