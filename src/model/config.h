// config.h: what config.json says about a model: its shape, its variants, its limits.
//
// A parsed config is consistent: every product of sizes fits 64 bits, heads divide by KV heads,
// each layer has its kind of attention. What only one family does differently is in
// arch/<family>.cc.
//
// Home:    immutable after parse(); any thread.
// Errors:  not_found (no such folder or file, saying what was looked for), unimplemented (unknown
//          architecture or quantisation: listing what is supported), invalid_argument (all wrong
//          values of the file in one message).
// Source:  engine.md section 28; defaults of absent keys are those of the Hugging Face classes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/token.h"
#include "model/rope_config.h"
#include "tensor/dtype.h"

namespace nacelle::model {

struct QuantizationSpec;  // quantization/quantization_spec.h

enum class AttentionKind { kFull, kSliding };
enum class Activation { kSilu };

struct ModelConfig {
  std::string architecture;  // "LlamaForCausalLM"
  std::string model_type;    // "llama"; "" when absent

  std::uint32_t hidden_size = 0;
  std::uint32_t num_layers = 0;
  std::uint32_t num_heads = 0;  // query heads; a multiple of num_kv_heads
  std::uint32_t num_kv_heads = 0;
  std::uint32_t head_dim = 0;  // even; num_heads * head_dim may differ from hidden_size
  std::uint32_t intermediate_size = 0;
  std::uint32_t vocab_size = 0;  // rows of the embedding, padding included

  double rms_norm_eps = 1e-6;
  Activation hidden_act = Activation::kSilu;
  bool attention_bias = false;  // as the file says; arch/ decides which projections it means
  bool mlp_bias = false;
  bool tie_word_embeddings = false;

  RopeConfig rope;
  std::uint32_t max_position_embeddings = 0;
  std::uint32_t max_model_len = 0;  // tokens; derived, see derive_max_model_len in config.cc

  std::optional<std::uint32_t> sliding_window;  // keys a sliding layer sees, its own included
  std::vector<AttentionKind> layer_types;       // [num_layers]

  std::optional<DType> dtype;                            // of the checkpoint, when the file says it
  std::shared_ptr<const QuantizationSpec> quantization;  // of its weights; null: all are dense
  std::vector<TokenId> eos_token_ids;                    // in the file's order
  std::optional<TokenId> bos_token_id;
  std::optional<TokenId> pad_token_id;

  // Reads <folder>/config.json. `overrides_json` is an object merged over it (RFC 7396: null
  // removes a key); "" = none.
  [[nodiscard]] static Result<ModelConfig> load(const std::filesystem::path& folder,
                                                std::string_view overrides_json = "");
  // `source` names the text in errors.
  [[nodiscard]] static Result<ModelConfig> parse(std::string_view json_text,
                                                 std::string_view overrides_json = "",
                                                 std::string_view source = "config.json");

  // Keys that a token at `position` of `layer` may see is this many at most; 0 = all before it.
  [[nodiscard]] std::uint32_t window_of_layer(std::uint32_t layer) const;

  // Number of weights, tied embeddings counted once.
  [[nodiscard]] std::uint64_t num_parameters() const;
};

}  // namespace nacelle::model
