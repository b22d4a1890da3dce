// qwen2.cc: Qwen2ForCausalLM (Qwen 1.5, 2, 2.5): biases on q, k and v, none on o.
#include "model/arch/family.h"
#include "model/field_reader.h"

namespace nacelle::model {
namespace {

void complete(FieldReader& fields, ModelConfig& config) {
  default_kv_heads(config, fields.mentions("num_key_value_heads") ? config.num_heads : 32);
  default_head_dim(config);
  default_max_positions(config, 32768);
  read_gated_sliding_window(fields, config);
}

DecoderSpec spec(const ModelConfig& config) {
  return {.qkv_bias = true, .windows = windows_of(config)};
}

}  // namespace

const Family kQwen2 = {"Qwen2ForCausalLM", complete, spec};

}  // namespace nacelle::model
