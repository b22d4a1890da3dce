// llama.cc: LlamaForCausalLM (Llama 1 to 3.3, TinyLlama, SmolLM2 and others with the same body).
#include "model/arch/family.h"
#include "model/field_reader.h"

namespace nacelle::model {
namespace {

void complete(FieldReader&, ModelConfig& config) {
  default_kv_heads(config, config.num_heads);
  default_head_dim(config);
  default_max_positions(config, 2048);
}

DecoderSpec spec(const ModelConfig& config) {
  return {.qkv_bias = config.attention_bias,
          .o_bias = config.attention_bias,
          .mlp_bias = config.mlp_bias,
          .qk_norm = false,
          .windows = windows_of(config)};
}

}  // namespace

const Family kLlama = {"LlamaForCausalLM", complete, spec};

}  // namespace nacelle::model
