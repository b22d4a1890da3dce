// decoder_weights.h: the weights of the shared transformer body, packed for the kernels.
//
// q, k and v are one packed matrix, gate and up another: one pass over the activations each.
//
// Home:    immutable after load(); the embedding may be a view of a file, so the store must outlive
// it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "kernels/attention/kv_layout.h"
#include "kernels/context.h"
#include "kernels/gemm/gemm.h"
#include "model/arch/decoder_spec.h"
#include "model/config.h"
#include "model/packed_cache.h"
#include "model/quantization/load_quantization.h"
#include "model/weights.h"

namespace nacelle::model {

// A packed matrix and its bias (empty = none).
struct Linear {
  kernels::PackedMatrix matrix;
  std::vector<float> bias;  // [matrix.n()]
  // Column j of the matrix multiplies input input_order[j]; empty: inputs as they come.
  std::vector<std::uint32_t> input_order;
  [[nodiscard]] const float* bias_data() const { return bias.empty() ? nullptr : bias.data(); }
};

struct DecoderLayer {
  std::vector<float> input_norm;           // [hidden]
  Linear qkv;                              // [(heads + 2 kv_heads) * head_dim, hidden]
  std::vector<float> q_norm, k_norm;       // [head_dim]; empty without qk_norm
  kernels::KvScales kv_scales;             // of e4m3 K and V; 1 where the checkpoint has none
  Linear o;                                // [hidden, heads * head_dim]
  std::vector<float> post_attention_norm;  // [hidden]
  Linear gate_up;                          // [2 * intermediate, hidden], panels alternating
  Linear down;                             // [hidden, intermediate]
};

struct DecoderWeights {
  Weight embedding;  // [vocab, hidden]
  std::vector<DecoderLayer> layers;
  std::vector<float> final_norm;  // [hidden]
  Linear lm_head;                 // [vocab, hidden]; the embedding again when tied

  // Matrices that `cache` (null: none) has are mapped, and their tensors are not read.
  [[nodiscard]] static Result<DecoderWeights> load(
      const ModelConfig& config, const DecoderSpec& spec, WeightStore& store, DType dtype,
      const LoadQuantization& quantization, PackedCache* cache, const kernels::Context& context,
      const std::function<void(double)>& progress);

  // How the matrices are stored: "bf16", "int4-g128, head int8", "int8+bf16" (some layers each).
  [[nodiscard]] std::string format() const;

  [[nodiscard]] std::size_t size_bytes() const;
};

}  // namespace nacelle::model
