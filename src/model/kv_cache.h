// kv_cache.h: the paged K and V memory of all layers, one buffer of blocks per layer.
//
// Home:    one thread at a time (the engine loop).
// Errors:  allocate() returns invalid_argument for extents the kernels do not take,
// resource_exhausted
//          beyond this machine's memory.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "kernels/attention/kv_layout.h"
#include "tensor/buffer.h"

namespace nacelle::model {

class KvCache {
 public:
  KvCache() = default;  // no blocks
  [[nodiscard]] static Result<KvCache> allocate(const kernels::KvLayout& layout,
                                                std::uint32_t num_layers);

  [[nodiscard]] const kernels::KvLayout& layout() const { return layout_; }
  [[nodiscard]] std::byte* layer(std::size_t index) { return layers_[index].data(); }
  [[nodiscard]] bool empty() const { return layers_.empty(); }

 private:
  kernels::KvLayout layout_;
  std::vector<Buffer> layers_;
};

}  // namespace nacelle::model
