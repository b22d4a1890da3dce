#include <limits>

#include "base/check.h"
#include "kernels/gemm/panels.h"

namespace nacelle::kernels {
namespace {

constexpr std::size_t kMaxExtent = std::size_t{1} << 40;

std::size_t round_up(std::size_t value, std::size_t to) { return (value + to - 1) / to * to; }

Status check(const PackedMatrix::Description& d) {
  if (d.dtype != DType::kBF16 && d.dtype != DType::kF16 && d.dtype != DType::kF32) {
    return unimplemented("activations of dtype {}", to_string(d.dtype));
  }
  if (d.n > kMaxExtent || d.k > kMaxExtent) {
    return resource_exhausted("a weight of {} x {} does not fit the address space", d.n, d.k);
  }
  if (d.stacking == Stacking::kAlternatingPanels && d.n % 2 != 0) {
    return invalid_argument("alternating panels of two equal parts cannot have {} columns", d.n);
  }
  if (d.format == WeightFormat::kInt8 && d.k > kMaxInt8Depth) {
    return invalid_argument("an int8 weight has {} columns, sums of 32 bits allow {}", d.k,
                            kMaxInt8Depth);
  }
  if (d.format != WeightFormat::kInt4) {
    if (d.group_size != 0 || d.has_zeros) {
      return invalid_argument("{} weights have no groups", to_string(d.format));
    }
  } else if (d.group_size == 0 || d.group_size % 32 != 0 || d.k % d.group_size != 0) {
    return invalid_argument(
        "int4 groups of {} elements: expected a multiple of 32 that divides the {} columns",
        d.group_size, d.k);
  }
  const bool dense = d.format != WeightFormat::kInt8 && d.format != WeightFormat::kInt4;
  if (dense && to_string(d.format) != to_string(dense_format(d.dtype))) {
    return invalid_argument("{} weights times {} activations", to_string(d.format),
                            to_string(d.dtype));
  }
  return {};
}

}  // namespace

WeightFormat dense_format(DType dtype) {
  if (dtype == DType::kF32) return WeightFormat::kF32;
  return dtype == DType::kBF16 ? WeightFormat::kBF16 : WeightFormat::kF16;
}

Result<PanelLayout> layout_of(const PackedMatrix::Description& d) {
  RETURN_IF_ERROR(check(d));
  PanelLayout layout;
  layout.kernels = gemm_kernels(d.isa, d.format, format_of(d.dtype));
  std::size_t steps_unit = 1;
  if (layout.kernels != nullptr) {
    layout.width = layout.kernels->panel_width;
    layout.step = layout.kernels->step;
    steps_unit = layout.kernels->part_steps;
    CHECK(layout.width <= kMaxPanelWidth);
  }
  layout.num_steps = round_up((d.k + layout.step - 1) / layout.step, steps_unit);
  const std::size_t padded_k = layout.num_steps * layout.step;
  const std::size_t scale_bytes = layout.width * sizeof(float);
  if (d.format == WeightFormat::kInt8) {
    // Behind the scales the sums of the columns, where there are kernels.
    const std::size_t sums_bytes = layout.kernels == nullptr ? 0 : scale_bytes;
    layout.scales_at = round_up(padded_k * layout.width, sizeof(float));
    layout.panel_bytes = layout.scales_at + scale_bytes + sums_bytes;
  } else if (d.format == WeightFormat::kInt4) {
    layout.group_size = chain_size(d.group_size);
    layout.scales_at = layout.group_size * layout.width / 2;
    layout.group_bytes = layout.scales_at + scale_bytes * (d.has_zeros ? 2 : 1);
    layout.panel_bytes = d.k / layout.group_size * layout.group_bytes;
  } else {
    layout.panel_bytes = padded_k * layout.width * size_of(d.dtype);
  }
  const std::size_t parts = d.stacking == Stacking::kAlternatingPanels ? 2 : 1;
  layout.num_panels = (d.n / parts + layout.width - 1) / layout.width * parts;
  if (layout.panel_bytes != 0 &&
      layout.num_panels > std::numeric_limits<std::ptrdiff_t>::max() / layout.panel_bytes) {
    return resource_exhausted("a weight of {} x {} does not fit the address space", d.n, d.k);
  }
  layout.size_bytes = layout.num_panels * layout.panel_bytes;
  return layout;
}

}  // namespace nacelle::kernels
