#include "kernels/gemm/reference.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/activation/silu_mul_isa.h"
#include "kernels/gemm/panels.h"

namespace nacelle::kernels {
namespace {

float load_float(const std::byte* at) {
  float value;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

struct Reference {
  const PackedMatrix& weights;
  const PanelLayout layout;
  const std::byte* x;
  std::size_t x_row_stride;
  Format format;
  const std::int8_t* quantized = nullptr;  // int8: [m][k]
  const float* row_scales = nullptr;       // int8: [m]

  float value(std::size_t row, std::size_t i) const {
    return load_one(x, format, row * x_row_stride + i);
  }

  double dense(std::size_t row, const std::byte* panel) const {
    double sum = 0;
    for (std::size_t i = 0; i < weights.k(); ++i) {
      sum += double{value(row, i)} * double{load_one(panel, format, i)};
    }
    return sum;
  }

  float int8(std::size_t row, const std::byte* panel) const {
    const auto* w = reinterpret_cast<const std::int8_t*>(panel);
    const std::int8_t* q = quantized + row * weights.k();
    std::int32_t sum = 0;
    for (std::size_t i = 0; i < weights.k(); ++i) sum += q[i] * w[i];
    return static_cast<float>(sum) * (row_scales[row] * load_float(panel + layout.scales_at));
  }

  double int4(std::size_t row, const std::byte* panel) const {
    double sum = 0;
    for (std::size_t begin = 0; begin < weights.k(); begin += layout.group_size) {
      const std::byte* scales = panel + layout.scales_at;
      const double zero = weights.description().has_zeros ? load_float(scales + 4) : 8.0F;
      for (std::size_t i = 0; i < layout.group_size; ++i) {
        const auto byte = static_cast<unsigned>(panel[i / 2]);
        const unsigned q = i % 2 == 0 ? byte & 15u : byte >> 4;
        sum += double{value(row, begin + i)} * (q - zero) * double{load_float(scales)};
      }
      panel += layout.group_bytes;
    }
    return sum;
  }

  float element(std::size_t row, std::size_t column, const float* bias) const {
    std::size_t panel = column;
    if (weights.description().stacking == Stacking::kAlternatingPanels) {
      const std::size_t half = weights.n() / 2;
      panel = column < half ? 2 * column : 2 * (column - half) + 1;
    }
    const std::byte* at = weights.data() + panel * layout.panel_bytes;
    const float bias_value = bias == nullptr ? 0.0F : bias[column];
    switch (weights.format()) {
      case WeightFormat::kInt8: {
        const float result = int8(row, at);
        return bias == nullptr ? result : result + bias_value;
      }
      case WeightFormat::kInt4:
        return static_cast<float>(int4(row, at)) + bias_value;
      default:
        return static_cast<float>(dense(row, at)) + bias_value;
    }
  }
};

Reference make_reference(WorkerPool& pool, const std::byte* x, std::size_t x_row_stride,
                         std::size_t m, const PackedMatrix& weights) {
  Reference reference{weights, layout_of(weights.description()).value(), x, x_row_stride,
                      format_of(weights.dtype())};
  if (weights.format() == WeightFormat::kInt8) {
    std::byte* scratch = pool.scratch(m * (sizeof(float) + weights.k()));
    auto* scales = reinterpret_cast<float*>(scratch);
    auto* values = reinterpret_cast<std::int8_t*>(scratch + m * sizeof(float));
    for (std::size_t row = 0; row < m; ++row) {
      scales[row] = quantize_row_reference(x, reference.format, row * x_row_stride, weights.k(),
                                           values + row * weights.k());
    }
    reference.row_scales = scales;
    reference.quantized = values;
  }
  return reference;
}

std::size_t grain(std::size_t m, std::size_t k) {
  return std::max<std::size_t>(1, 65536 / std::max<std::size_t>(1, m * k));
}

}  // namespace

float quantize_row_reference(const std::byte* x, Format format, std::size_t first, std::size_t k,
                             std::int8_t* q) {
  float largest = 0;
  bool finite = true;
  for (std::size_t i = 0; i < k; ++i) {
    const float size = std::abs(load_one(x, format, first + i));
    finite = finite && std::isfinite(size);
    largest = std::max(largest, size);
  }
  std::fill_n(q, k, std::int8_t{0});
  if (!finite) return std::numeric_limits<float>::quiet_NaN();
  if (largest < 0x1p-100F) return 0;
  const float inverse = 127.0F / largest;
  for (std::size_t i = 0; i < k; ++i) {
    q[i] = static_cast<std::int8_t>(std::nearbyint(load_one(x, format, first + i) * inverse));
  }
  return largest / 127.0F;
}

void gemm_reference(WorkerPool& pool, const std::byte* x, std::size_t x_row_stride, std::size_t m,
                    const PackedMatrix& weights, const float* bias, float* out,
                    std::size_t out_row_stride) {
  const Reference reference = make_reference(pool, x, x_row_stride, m, weights);
  pool.run_ranges(weights.n(), grain(m, weights.k()), [&](std::size_t begin, std::size_t end) {
    for (std::size_t row = 0; row < m; ++row) {
      for (std::size_t column = begin; column < end; ++column) {
        out[row * out_row_stride + column] = reference.element(row, column, bias);
      }
    }
  });
}

void gemm_silu_mul_reference(WorkerPool& pool, const std::byte* x, std::size_t x_row_stride,
                             std::size_t m, const PackedMatrix& weights, const float* bias,
                             const OutputRows& out) {
  const Reference reference = make_reference(pool, x, x_row_stride, m, weights);
  const SiluMulRow silu_mul = silu_mul_row(weights.isa());
  const Format format = format_of(out.dtype);
  const std::size_t half = weights.n() / 2;
  pool.run_ranges(half, grain(2 * m, weights.k()), [&](std::size_t begin, std::size_t end) {
    for (std::size_t row = 0; row < m; ++row) {
      for (std::size_t j = begin; j < end; ++j) {
        const float gate = reference.element(row, j, bias);
        const float up = reference.element(row, half + j, bias);
        void* place = row_at(out.data, format, 1, row * out.row_stride + j);
        silu_mul(&gate, &up, 1, place, format);
      }
    }
  });
}

}  // namespace nacelle::kernels
