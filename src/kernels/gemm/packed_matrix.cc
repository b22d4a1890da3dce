#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "base/check.h"
#include "kernels/format.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/panels.h"
#include "tensor/buffer.h"

namespace nacelle::kernels {
namespace {

constexpr std::size_t kMaxPanelWidth = 32;

Status check_parts(std::span<const TensorView> parts) {
  if (parts.empty()) return invalid_argument("a packed matrix needs at least one weight");
  const TensorView& first = parts[0];
  if (first.dtype() != DType::kBF16 && first.dtype() != DType::kF16 &&
      first.dtype() != DType::kF32) {
    return unimplemented("weights of dtype {} cannot be packed", to_string(first.dtype()));
  }
  for (const TensorView& part : parts) {
    if (part.shape().rank() != 2) {
      return invalid_argument("a weight has shape {}, expected [n, k]", part.shape().to_string());
    }
    if (part.dtype() != first.dtype() || part.shape()[1] != first.shape()[1]) {
      return invalid_argument("weights of {} {} and {} {} cannot be stacked",
                              to_string(first.dtype()), first.shape().to_string(),
                              to_string(part.dtype()), part.shape().to_string());
    }
  }
  return {};
}

WeightFormat weight_format(DType dtype) {
  if (dtype == DType::kF32) return WeightFormat::kF32;
  return dtype == DType::kBF16 ? WeightFormat::kBF16 : WeightFormat::kF16;
}

// Row `row` of the stacked parts.
const std::byte* stacked_row(std::span<const TensorView> parts, std::size_t row,
                             std::size_t row_bytes) {
  for (const TensorView& part : parts) {
    if (row < part.shape()[0]) return part.data() + row * row_bytes;
    row -= part.shape()[0];
  }
  return nullptr;
}

}  // namespace

Result<PackedMatrix> PackedMatrix::pack(std::span<const TensorView> parts, Isa isa,
                                        WorkerPool& pool, Stacking stacking) {
  RETURN_IF_ERROR(check_parts(parts));
  if (stacking != Stacking::kOneAfterTheOther) return unimplemented("alternating panels");
  PackedMatrix packed;
  Description& description = packed.description_;
  description.isa = isa;
  description.dtype = parts[0].dtype();
  description.format = weight_format(description.dtype);
  description.k = parts[0].shape()[1];
  for (const TensorView& part : parts) description.n += part.shape()[0];

  const GemmKernels* kernels = gemm_kernels(isa, format_of(description.dtype));
  const std::size_t element_bytes = size_of(description.dtype);
  const std::size_t step = kernels == nullptr ? 1 : kernels->step;
  const std::size_t width = kernels == nullptr ? 1 : kernels->panel_width;
  CHECK(width <= kMaxPanelWidth);
  packed.panel_width_ = width;
  packed.panel_bytes_ = (description.k + step - 1) / step * step * width * element_bytes;
  const std::size_t num_panels = (description.n + width - 1) / width;
  if (packed.panel_bytes_ != 0 &&
      num_panels > std::numeric_limits<std::size_t>::max() / packed.panel_bytes_) {
    return resource_exhausted("a weight of {} x {} does not fit the address space", description.n,
                              description.k);
  }
  ASSIGN_OR_RETURN(Buffer memory, Buffer::allocate(num_panels * packed.panel_bytes_));

  const std::size_t row_bytes = description.k * element_bytes;
  // At least 256 KiB a piece; the first thread to touch a page places it.
  const std::size_t grain = std::size_t{262144} / std::max<std::size_t>(1, packed.panel_bytes_);
  pool.run_ranges(num_panels, std::max<std::size_t>(1, grain),
                  [&](std::size_t begin, std::size_t end) {
                    for (std::size_t panel = begin; panel < end; ++panel) {
                      std::array<const std::byte*, kMaxPanelWidth> rows;
                      const std::size_t first = panel * width;
                      const std::size_t count = std::min(width, description.n - first);
                      for (std::size_t j = 0; j < count; ++j)
                        rows[j] = stacked_row(parts, first + j, row_bytes);
                      std::byte* target = memory.data() + panel * packed.panel_bytes_;
                      if (kernels == nullptr) {
                        if (row_bytes != 0) std::memcpy(target, rows[0], row_bytes);
                      } else {
                        fill_panel(std::span(rows.data(), count), description.k, element_bytes,
                                   step, width, target);
                      }
                    }
                  });
  auto owner = std::make_shared<Buffer>(std::move(memory));
  packed.bytes_ = owner->bytes();
  packed.owner_ = std::move(owner);
  return packed;
}

Result<PackedMatrix> PackedMatrix::pack(std::span<const Int8Weight>, DType, Isa, WorkerPool&,
                                        Stacking) {
  return unimplemented("int8 weights");
}

Result<PackedMatrix> PackedMatrix::pack(std::span<const Int4Weight>, DType, Isa, WorkerPool&,
                                        Stacking) {
  return unimplemented("int4 weights");
}

Result<PackedMatrix> PackedMatrix::adopt(const Description&, std::span<const std::byte>,
                                         std::shared_ptr<const void>) {
  return unimplemented("adopted memory");
}

std::string_view to_string(WeightFormat format) {
  switch (format) {
    case WeightFormat::kF32:
      return "f32";
    case WeightFormat::kBF16:
      return "bf16";
    case WeightFormat::kF16:
      return "f16";
    case WeightFormat::kInt8:
      return "int8";
    case WeightFormat::kInt4:
      return "int4";
  }
  return "unknown";
}

}  // namespace nacelle::kernels
