#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/panels.h"
#include "tensor/buffer.h"

namespace nacelle::kernels {
namespace {

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

template <class Weight>
Status check_quantized_parts(std::span<const Weight> parts) {
  if (parts.empty()) return invalid_argument("a packed matrix needs at least one weight");
  for (const Weight& part : parts) {
    if (part.k != parts[0].k) {
      return invalid_argument("quantised weights of [{}, {}] and [{}, {}] cannot be stacked",
                              parts[0].n, parts[0].k, part.n, part.k);
    }
  }
  return {};
}

Status check_stacking(std::span<const std::size_t> sizes, Stacking stacking) {
  if (stacking == Stacking::kAlternatingPanels && (sizes.size() != 2 || sizes[0] != sizes[1])) {
    return invalid_argument("alternating panels need two parts of equal size, got {} parts",
                            sizes.size());
  }
  return {};
}

// Allocates the panels and calls fill(sources, panel) for each. sources: one per existing column.
template <class Fill>
Result<std::shared_ptr<Buffer>> fill_panels(const PanelLayout& layout,
                                            std::span<const std::size_t> sizes, Stacking stacking,
                                            WorkerPool& pool, const Fill& fill) {
  ASSIGN_OR_RETURN(Buffer memory, Buffer::allocate(layout.size_bytes));
  // At least 256 KiB a piece; the first thread to touch a page places it.
  const std::size_t grain = std::size_t{262144} / std::max<std::size_t>(1, layout.panel_bytes);
  pool.run_ranges(
      layout.num_panels, std::max<std::size_t>(1, grain), [&](std::size_t begin, std::size_t end) {
        for (std::size_t panel = begin; panel < end; ++panel) {
          std::array<PanelSource, kMaxPanelWidth> sources;
          std::size_t count = 0;
          while (count < layout.width &&
                 find_source(sizes, stacking, layout.width, panel, count, sources[count])) {
            ++count;
          }
          fill(std::span<const PanelSource>(sources.data(), count),
               memory.data() + panel * layout.panel_bytes);
        }
      });
  return std::make_shared<Buffer>(std::move(memory));
}

template <class Weight>
std::vector<std::size_t> sizes_of(std::span<const Weight> parts) {
  std::vector<std::size_t> sizes;
  for (const Weight& part : parts) {
    if constexpr (std::is_same_v<Weight, TensorView>) {
      sizes.push_back(part.shape()[0]);
    } else {
      sizes.push_back(part.n);
    }
  }
  return sizes;
}

std::size_t sum(std::span<const std::size_t> sizes) {
  std::size_t total = 0;
  for (const std::size_t size : sizes) total += size;
  return total;
}

}  // namespace

PackedMatrix::PackedMatrix(const Description& description, std::size_t panel_width,
                           std::size_t panel_bytes, std::span<const std::byte> bytes,
                           std::shared_ptr<const void> owner)
    : description_(description),
      panel_width_(panel_width),
      panel_bytes_(panel_bytes),
      bytes_(bytes),
      owner_(std::move(owner)) {}

Result<PackedMatrix> PackedMatrix::pack(std::span<const TensorView> parts, Isa isa,
                                        WorkerPool& pool, Stacking stacking) {
  RETURN_IF_ERROR(check_parts(parts));
  const std::vector<std::size_t> sizes = sizes_of(parts);
  RETURN_IF_ERROR(check_stacking(sizes, stacking));
  const DType dtype = parts[0].dtype();
  const std::size_t k = parts[0].shape()[1];
  const Description description{sum(sizes), k, dtype, dense_format(dtype), stacking, isa};
  ASSIGN_OR_RETURN(const PanelLayout layout, layout_of(description));
  const std::size_t element_bytes = size_of(dtype);
  const std::size_t row_bytes = k * element_bytes;
  ASSIGN_OR_RETURN(std::shared_ptr<Buffer> memory,
                   fill_panels(layout, sizes, stacking, pool,
                               [&](std::span<const PanelSource> sources, std::byte* panel) {
                                 std::array<const std::byte*, kMaxPanelWidth> rows;
                                 for (std::size_t j = 0; j < sources.size(); ++j) {
                                   rows[j] =
                                       parts[sources[j].part].data() + sources[j].row * row_bytes;
                                 }
                                 if (layout.kernels == nullptr) {
                                   if (row_bytes != 0) std::memcpy(panel, rows[0], row_bytes);
                                   return;
                                 }
                                 fill_panel(std::span(rows.data(), sources.size()), k,
                                            element_bytes, layout.step, layout.width, panel);
                               }));
  const std::span<const std::byte> bytes = memory->bytes();
  return PackedMatrix(description, layout.width, layout.panel_bytes, bytes, std::move(memory));
}

Result<PackedMatrix> PackedMatrix::pack(std::span<const Int8Weight> parts, DType dtype, Isa isa,
                                        WorkerPool& pool, Stacking stacking) {
  RETURN_IF_ERROR(check_quantized_parts(parts));
  const std::vector<std::size_t> sizes = sizes_of(parts);
  RETURN_IF_ERROR(check_stacking(sizes, stacking));
  const std::size_t k = parts[0].k;
  const Description description{sum(sizes), k, dtype, WeightFormat::kInt8, stacking, isa};
  ASSIGN_OR_RETURN(const PanelLayout layout, layout_of(description));
  ASSIGN_OR_RETURN(std::shared_ptr<Buffer> memory,
                   fill_panels(layout, sizes, stacking, pool,
                               [&](std::span<const PanelSource> sources, std::byte* panel) {
                                 std::array<Int8Row, kMaxPanelWidth> rows;
                                 for (std::size_t j = 0; j < sources.size(); ++j) {
                                   const Int8Weight& part = parts[sources[j].part];
                                   const std::size_t row = sources[j].row;
                                   rows[j] = {part.values + row * k, part.scales[row]};
                                 }
                                 fill_int8_panel(std::span(rows.data(), sources.size()), k, layout,
                                                 panel);
                               }));
  const std::span<const std::byte> bytes = memory->bytes();
  return PackedMatrix(description, layout.width, layout.panel_bytes, bytes, std::move(memory));
}

Result<PackedMatrix> PackedMatrix::pack(std::span<const Int4Weight> parts, DType dtype, Isa isa,
                                        WorkerPool& pool, Stacking stacking) {
  RETURN_IF_ERROR(check_quantized_parts(parts));
  const std::vector<std::size_t> sizes = sizes_of(parts);
  RETURN_IF_ERROR(check_stacking(sizes, stacking));
  for (const Int4Weight& part : parts) {
    if (part.group_size != parts[0].group_size ||
        (part.zeros == nullptr) != (parts[0].zeros == nullptr)) {
      return invalid_argument("int4 weights in groups of {}{} and of {}{} cannot be stacked",
                              parts[0].group_size, parts[0].zeros == nullptr ? "" : " with zeros",
                              part.group_size, part.zeros == nullptr ? "" : " with zeros");
    }
  }
  const std::size_t k = parts[0].k;
  const std::size_t group_size = parts[0].group_size;
  const Description description{sum(sizes), k,   dtype,      WeightFormat::kInt4,
                                stacking,   isa, group_size, parts[0].zeros != nullptr};
  ASSIGN_OR_RETURN(const PanelLayout layout, layout_of(description));
  const std::size_t num_groups = k / group_size;
  ASSIGN_OR_RETURN(
      std::shared_ptr<Buffer> memory,
      fill_panels(layout, sizes, stacking, pool,
                  [&](std::span<const PanelSource> sources, std::byte* panel) {
                    std::array<Int4Row, kMaxPanelWidth> rows;
                    for (std::size_t j = 0; j < sources.size(); ++j) {
                      const Int4Weight& part = parts[sources[j].part];
                      const std::size_t row = sources[j].row;
                      rows[j] = {part.values + row * (k / 2), part.scales + row * num_groups,
                                 part.zeros == nullptr ? nullptr : part.zeros + row * num_groups};
                    }
                    fill_int4_panel(std::span(rows.data(), sources.size()), k, group_size, layout,
                                    panel);
                  }));
  const std::span<const std::byte> bytes = memory->bytes();
  return PackedMatrix(description, layout.width, layout.panel_bytes, bytes, std::move(memory));
}

Result<PackedMatrix> PackedMatrix::adopt(const Description& description,
                                         std::span<const std::byte> bytes,
                                         std::shared_ptr<const void> owner) {
  if (!is_supported(description.isa)) {
    return failed_precondition("weights packed for {} cannot be used on this machine",
                               to_string(description.isa));
  }
  ASSIGN_OR_RETURN(const PanelLayout layout, layout_of(description));
  if (bytes.size() != layout.size_bytes) {
    return data_loss("a packed weight of {} x {} has {} bytes, expected {}", description.n,
                     description.k, bytes.size(), layout.size_bytes);
  }
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % Buffer::kAlignment != 0) {
    return invalid_argument("packed weights must be aligned to {} bytes", Buffer::kAlignment);
  }
  return PackedMatrix(description, layout.width, layout.panel_bytes, bytes, std::move(owner));
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
