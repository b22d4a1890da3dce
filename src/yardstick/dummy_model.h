// dummy_model.h: the two shapes that the bars speak of, with made-up weights.
//
// Home:    load() on the caller of the pool.
// Errors:  those of CausalLm::load; internal when no temporary folder can be made.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kernels/gemm/gemm.h"
#include "model/causal_lm.h"
#include "model/config.h"
#include "yardstick/case.h"
#include "yardstick/work.h"

namespace nacelle::yardstick {

struct ModelShape {
  const char* name;
  const char* config_json;
};

inline constexpr ModelShape kQwen3Small = {"Qwen3-0.6B", R"({
  "architectures": ["Qwen3ForCausalLM"], "hidden_size": 1024, "intermediate_size": 3072,
  "num_hidden_layers": 28, "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128,
  "vocab_size": 151936, "max_position_embeddings": 40960, "rope_theta": 1000000,
  "rms_norm_eps": 1e-6, "tie_word_embeddings": true, "dtype": "bfloat16"})"};

inline constexpr ModelShape kLlama1B = {"Llama-3.2-1B", R"({
  "architectures": ["LlamaForCausalLM"], "hidden_size": 2048, "intermediate_size": 8192,
  "num_hidden_layers": 16, "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64,
  "vocab_size": 128256, "max_position_embeddings": 131072, "rope_theta": 500000,
  "rms_norm_eps": 1e-5, "tie_word_embeddings": true, "dtype": "bfloat16"})"};

// Whether models can be loaded with such weights.
[[nodiscard]] bool can_load(kernels::WeightFormat format);

// `overrides_json` as in LoadOptions::hf_overrides_json.
[[nodiscard]] Result<std::unique_ptr<model::CausalLm>> load_dummy(
    const Lab& lab, const ModelShape& shape, kernels::WeightFormat format,
    const std::string& overrides_json = "");

// A batch of equal sequences for a model whose KV memory holds them, ready to run again and again.
class ModelBatch {
 public:
  static constexpr std::uint32_t kBlock = 16;
  [[nodiscard]] static std::uint32_t blocks_for(const Span& span, std::uint32_t sequences);

  ModelBatch(std::shared_ptr<model::CausalLm> model, const Span& span, std::uint32_t sequences);
  void run();  // a forward pass with logits of each sequence's last token

 private:
  std::shared_ptr<model::CausalLm> model_;
  std::vector<TokenId> tokens_;
  std::vector<std::vector<std::uint32_t>> tables_;
  std::vector<model::SequenceChunk> chunks_;
  std::vector<std::uint32_t> logit_rows_;
  std::vector<float> logits_;
};

}  // namespace nacelle::yardstick
