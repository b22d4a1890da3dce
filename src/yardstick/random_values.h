// random_values.h: inputs for measurements: values of ordinary size, the same on every run.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/result.h"
#include "kernels/worker_pool.h"
#include "tensor/buffer.h"
#include "tensor/dtype.h"

namespace nacelle::yardstick {

// `count` values in [-0.5, 0.5). Errors: resource_exhausted; unimplemented for other dtypes than
// f32, bf16 and f16.
[[nodiscard]] Result<Buffer> random_values(kernels::WorkerPool& pool, DType dtype,
                                           std::size_t count, std::uint32_t seed);

}  // namespace nacelle::yardstick
