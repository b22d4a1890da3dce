// decoder.h: the transformer body that Llama, Mistral, Qwen 2 and Qwen 3 share.
//
//   x = embedding
//   per layer:  x += o(attention(rope(qkv(norm(x)))));  x += down(silu(gate) * up of norm(x))
//   logits = lm_head(norm(x))                                    for the wanted rows only
//
// The residual x is f32. Matmul inputs and KV are rounded to the model's dtype; sums, norms,
// rotation, softmax and logits are f32. A row's arithmetic never mixes with another's, so results
// do not depend on the batch. The last layer computes only what the wanted logits need.
//
// Home:    one thread at a time (the engine loop).
// Source:  engine.md section 31.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/attention/attention.h"
#include "kernels/context.h"
#include "model/arch/activations.h"
#include "model/arch/decoder_spec.h"
#include "model/arch/decoder_weights.h"
#include "model/causal_lm.h"
#include "model/config.h"
#include "model/kv_cache.h"
#include "model/rope_table.h"
#include "model/scratch.h"

namespace nacelle::model {

class Decoder {
 public:
  // Everything given by reference must outlive the decoder.
  Decoder(const ModelConfig& config, DecoderSpec spec, DecoderWeights weights, DType dtype,
          const kernels::Context& context);

  void forward(const ForwardBatch& batch, KvCache& kv, RotaryTable& rotary,
               std::span<float> logits);

  [[nodiscard]] const DecoderWeights& weights() const { return weights_; }

 private:
  // Checks the batch against the contract of ForwardBatch and lists its chunks for the kernels.
  void read_batch(const ForwardBatch& batch, const KvCache& kv);
  void project_qkv(const DecoderLayer& layer, std::size_t rows, const kernels::RopeTable& table);
  void attend(std::size_t layer, KvCache& kv);
  // `next`: the weights of the product that follows.
  void feed_forward(const DecoderLayer& layer, std::size_t rows, const kernels::PackedMatrix& next);
  // x [rows, width] in the order of columns that `linear` has; x itself where that is the usual.
  [[nodiscard]] const std::byte* in_order_of(const Linear& linear, const std::byte* x,
                                             std::size_t width, std::size_t rows);
  // Keeps only the wanted rows of the residual and of the attention output, in their order.
  void keep_rows(std::span<const std::uint32_t> wanted);
  [[nodiscard]] kernels::OutputRows rounded(std::byte* data, std::size_t width) const;

  const ModelConfig& config_;
  const DecoderSpec spec_;
  const DecoderWeights weights_;
  const DType dtype_;
  const kernels::Context context_;
  const std::size_t hidden_;
  const std::size_t q_width_;   // num_heads * head_dim
  const std::size_t kv_width_;  // num_kv_heads * head_dim
  const std::size_t qkv_width_;
  const float epsilon_;

  std::vector<kernels::AttentionSequence> sequences_;
  std::vector<std::uint32_t> plan_of_layer_;   // in plans_
  std::vector<kernels::AttentionPlan> plans_;  // of this batch, one per distinct window
  std::vector<std::uint32_t> positions_;       // [rows]
  std::size_t context_tokens_ = 0;             // the longest sequence of the batch

  Activations rows_;
  Scratch ordered_;  // [rows, width of the linear at hand] dtype
};

}  // namespace nacelle::model
