#include "model/kv_cache.h"

#include "model/machine_memory.h"

namespace nacelle::model {

Result<KvCache> KvCache::allocate(const kernels::KvLayout& layout, std::uint32_t num_layers) {
  RETURN_IF_ERROR(layout.validate());
  // In floating point: the product of extents from outside must not wrap.
  const double needed =
      static_cast<double>(layout.bytes_per_block()) * layout.num_blocks * num_layers;
  RETURN_IF_ERROR(check_fits_memory(
      fmt::format("{} KV blocks of {} tokens", layout.num_blocks, layout.block_size), needed));
  KvCache cache;
  cache.layout_ = layout;
  for (std::uint32_t layer = 0; layer < num_layers; ++layer) {
    ASSIGN_OR_RETURN(Buffer memory, Buffer::allocate(layout.bytes()));
    cache.layers_.push_back(std::move(memory));
  }
  return cache;
}

}  // namespace nacelle::model
