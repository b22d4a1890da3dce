// mistral.cc: MistralForCausalLM (Mistral 7B, Nemo, Small). All layers slide when a window is set.
#include "model/arch/family.h"
#include "model/field_reader.h"

namespace nacelle::model {
namespace {

void complete(FieldReader& fields, ModelConfig& config) {
  // A file without the key means the class default; a null means as many as query heads.
  default_kv_heads(config, fields.mentions("num_key_value_heads") ? config.num_heads : 8);
  default_head_dim(config);
  default_max_positions(config, 4096 * 32);
  read_sliding_window(fields, config, 4096);
  if (config.sliding_window) config.layer_types.assign(config.num_layers, AttentionKind::kSliding);
}

DecoderSpec spec(const ModelConfig& config) { return {.windows = windows_of(config)}; }

}  // namespace

const Family kMistral = {"MistralForCausalLM", complete, spec};

}  // namespace nacelle::model
