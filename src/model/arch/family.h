// family.h: what one model family adds to the common reading of config.json and to the body.
//
// A new family is one file here plus one line in the table of family.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/arch/decoder_spec.h"
#include "model/config.h"

namespace nacelle::model {

class FieldReader;

struct Family {
  std::string_view architecture;  // the name in config.json's `architectures`
  // Fills what the file left out (num_kv_heads and head_dim are 0 when absent) and reads the keys
  // that only this family has. Complaints go to `fields`.
  void (*complete)(FieldReader& fields, ModelConfig& config);
  DecoderSpec (*spec)(const ModelConfig& config);
};

// nullptr when no family has this name.
[[nodiscard]] const Family* find_family(std::string_view architecture);

// "LlamaForCausalLM, MistralForCausalLM, ...".
[[nodiscard]] std::string supported_architectures();

// Parts that several families share.
void default_kv_heads(ModelConfig& config, std::uint32_t absent);
void default_head_dim(ModelConfig& config);
void default_max_positions(ModelConfig& config, std::uint32_t absent);
// sliding_window as the file says it: absent = `absent`, null = none.
void read_sliding_window(FieldReader& fields, ModelConfig& config,
                         std::optional<std::uint32_t> absent);
// Qwen: sliding_window holds only with use_sliding_window, and from layer max_window_layers on.
void read_gated_sliding_window(FieldReader& fields, ModelConfig& config);
[[nodiscard]] std::vector<std::uint32_t> windows_of(const ModelConfig& config);

// The families, one file each.
extern const Family kLlama;
extern const Family kMistral;
extern const Family kQwen2;
extern const Family kQwen3;

}  // namespace nacelle::model
