// decoder_weights.h: the weights of the shared transformer body, packed for the kernels.
//
// q, k and v are one packed matrix, gate and up another: one pass over the activations each.
//
// Home:    immutable after load(); the embedding may be a view of a file, so the store must outlive
// it.
#pragma once

#include <functional>
#include <vector>

#include "base/result.h"
#include "kernels/attention/kv_layout.h"
#include "kernels/context.h"
#include "kernels/gemm/gemm.h"
#include "model/arch/decoder_spec.h"
#include "model/config.h"
#include "model/weights.h"

namespace nacelle::model {

// A packed matrix and its bias (empty = none).
struct Linear {
  kernels::PackedMatrix matrix;
  std::vector<float> bias;  // [matrix.n()]
  [[nodiscard]] const float* bias_data() const { return bias.empty() ? nullptr : bias.data(); }
};

struct DecoderLayer {
  std::vector<float> input_norm;           // [hidden]
  Linear qkv;                              // [(heads + 2 kv_heads) * head_dim, hidden]
  std::vector<float> q_norm, k_norm;       // [head_dim]; empty without qk_norm
  kernels::KvScales kv_scales;             // of e4m3 K and V; 1 where the checkpoint has none
  Linear o;                                // [hidden, heads * head_dim]
  std::vector<float> post_attention_norm;  // [hidden]
  Linear gate_up;                          // [2 * intermediate, hidden]
  Linear down;                             // [hidden, intermediate]
};

struct DecoderWeights {
  Weight embedding;  // [vocab, hidden]
  std::vector<DecoderLayer> layers;
  std::vector<float> final_norm;  // [hidden]
  kernels::PackedMatrix lm_head;  // [vocab, hidden]; the embedding again when tied

  [[nodiscard]] static Result<DecoderWeights> load(const ModelConfig& config,
                                                   const DecoderSpec& spec, WeightStore& store,
                                                   DType dtype, const kernels::Context& context,
                                                   const std::function<void(double)>& progress);

  [[nodiscard]] std::size_t size_bytes() const;
};

}  // namespace nacelle::model
