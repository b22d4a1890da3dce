// qwen3.cc: Qwen3ForCausalLM: RMSNorm of each head of q and k, head_dim stated by the file.
#include "model/arch/family.h"
#include "model/field_reader.h"

namespace nacelle::model {
namespace {

void complete(FieldReader& fields, ModelConfig& config) {
  default_kv_heads(config, fields.mentions("num_key_value_heads") ? config.num_heads : 32);
  if (config.head_dim == 0) config.head_dim = 128;
  default_max_positions(config, 32768);
  read_gated_sliding_window(fields, config);
}

DecoderSpec spec(const ModelConfig& config) {
  return {.qkv_bias = config.attention_bias,
          .o_bias = config.attention_bias,
          .qk_norm = true,
          .windows = windows_of(config)};
}

}  // namespace

const Family kQwen3 = {"Qwen3ForCausalLM", complete, spec};

}  // namespace nacelle::model
