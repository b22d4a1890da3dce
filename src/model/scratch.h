// scratch.h: memory of one kind that a forward pass writes before it reads; grows, never shrinks.
#pragma once

#include <cstddef>

#include "base/check.h"
#include "tensor/buffer.h"

namespace nacelle::model {

class Scratch {
 public:
  // At least `size_bytes` bytes, aligned to 64; what was there before is lost when it grows.
  [[nodiscard]] std::byte* bytes(std::size_t size_bytes) {
    if (size_bytes > buffer_.size()) {
      // forward() cannot report failure. The system hands out address space here, which does not
      // run out at the sizes of activations; the pages behind it are the process's memory limit's
      // matter.
      Result<Buffer> grown = Buffer::allocate(size_bytes + size_bytes / 2);
      CHECK(grown.ok());
      buffer_ = std::move(*grown);
    }
    return buffer_.data();
  }
  [[nodiscard]] float* floats(std::size_t count) {
    return reinterpret_cast<float*>(bytes(count * sizeof(float)));
  }

 private:
  Buffer buffer_;
};

}  // namespace nacelle::model
