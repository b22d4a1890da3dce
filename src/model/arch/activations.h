// activations.h: where a forward pass keeps its rows from one op to the next.
//
//   residual   the whole pass
//   delta      what the next norm adds to the residual     } wide: one memory. q, k and v are done
//   inner      silu(gate) * up                             } when delta and inner begin, and the
//   norm qkv        q, k and v, until attention has read them   } has read delta when q, k and v
//   begin normed     until a product has read it                 } narrow: one memory attention
//   from attention to the product of o          }
//
// So 2048 rows of Qwen3-0.6B take 48 MiB instead of 72.
//
// Home:    the thread of the forward pass. Pointers hold until the next prepare().
#pragma once

#include <algorithm>
#include <cstddef>

#include "model/config.h"
#include "model/scratch.h"
#include "tensor/dtype.h"

namespace nacelle::model {

class Activations {
 public:
  Activations(const ModelConfig& config, DType dtype) : widths_(config, dtype) {}

  void prepare(std::size_t rows) {
    residual_data_ = residual_.floats(rows * widths_.hidden);
    wide_data_ = wide_.bytes(widths_.wide_bytes(rows));
    narrow_data_ = narrow_.bytes(widths_.narrow_bytes(rows));
    inner_data_ = wide_data_ + widths_.delta_bytes(rows);
  }

  [[nodiscard]] float* residual() const { return residual_data_; }  // [rows, hidden]
  [[nodiscard]] float* delta() const { return reinterpret_cast<float*>(wide_data_); }  // the same
  [[nodiscard]] float* qkv() const { return reinterpret_cast<float*>(wide_data_); }  // [rows, qkv]
  [[nodiscard]] std::byte* inner() const { return inner_data_; }       // [rows, inner] dtype
  [[nodiscard]] std::byte* normed() const { return narrow_data_; }     // [rows, hidden] dtype
  [[nodiscard]] std::byte* attention() const { return narrow_data_; }  // [rows, q] dtype

  // What `rows` rows take.
  [[nodiscard]] static std::size_t bytes(const ModelConfig& config, DType dtype, std::size_t rows) {
    const Widths widths(config, dtype);
    return rows * widths.hidden * sizeof(float) + widths.wide_bytes(rows) +
           widths.narrow_bytes(rows);
  }

 private:
  struct Widths {
    Widths(const ModelConfig& config, DType dtype)
        : hidden(config.hidden_size),
          q(std::size_t{config.num_heads} * config.head_dim),
          qkv(q + 2 * std::size_t{config.num_kv_heads} * config.head_dim),
          inner(config.intermediate_size),
          element(size_of(dtype)) {}

    [[nodiscard]] std::size_t delta_bytes(std::size_t rows) const {
      constexpr std::size_t kLine = 64;  // what comes behind it is aligned
      return (rows * hidden * sizeof(float) + kLine - 1) / kLine * kLine;
    }
    [[nodiscard]] std::size_t wide_bytes(std::size_t rows) const {
      return std::max(rows * qkv * sizeof(float), delta_bytes(rows) + rows * inner * element);
    }
    [[nodiscard]] std::size_t narrow_bytes(std::size_t rows) const {
      return rows * std::max(hidden, q) * element;
    }

    std::size_t hidden, q, qkv, inner, element;
  };

  Widths widths_;
  Scratch residual_, wide_, narrow_;
  float* residual_data_ = nullptr;
  std::byte* wide_data_ = nullptr;
  std::byte* narrow_data_ = nullptr;
  std::byte* inner_data_ = nullptr;
};

}  // namespace nacelle::model
