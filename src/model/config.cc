#include "model/config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <system_error>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "model/arch/family.h"
#include "model/field_reader.h"
#include "model/quantization/quantization_spec.h"

namespace nacelle::model {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxConfigBytes = std::size_t{16} << 20;

// Bounds far above any known model. Their products stay below 2^63.
constexpr std::uint32_t kMaxHidden = 1u << 17;
constexpr std::uint32_t kMaxLayers = 1024;
constexpr std::uint32_t kMaxHeads = 4096;
constexpr std::uint32_t kMaxHeadDim = 1024;
constexpr std::uint32_t kMaxIntermediate = 1u << 20;
constexpr std::uint32_t kMaxVocab = 1u << 24;
constexpr std::uint32_t kMaxPositions = 2147483647;
constexpr std::uint32_t kAbsentMaxModelLen = 2048;  // when no key states a context length

Result<const Family*> pick_family(const FieldReader& fields, std::string_view source) {
  const json* list = fields.find("architectures");
  if (list == nullptr) {
    return invalid_argument("{}: architectures is missing, supported: {}", source,
                            supported_architectures());
  }
  if (!list->is_array() || list->empty() || !list->front().is_string()) {
    return invalid_argument("{}: architectures must be a list of names, supported: {}", source,
                            supported_architectures());
  }
  const auto name = list->front().get<std::string>();
  const Family* family = find_family(name);
  if (family == nullptr) {
    return unimplemented("{}: architecture \"{}\" is not supported, supported: {}", source,
                         name.substr(0, 100), supported_architectures());
  }
  return family;
}

// "dtype" is the newer key, "torch_dtype" the older one. "auto" means: look at the weights.
std::optional<DType> read_dtype(FieldReader& fields) {
  const std::string_view key = fields.has("dtype") ? "dtype" : "torch_dtype";
  const std::optional<std::string> name = fields.text(key);
  if (!name || *name == "auto") return std::nullopt;
  const Result<DType> dtype = parse_dtype(*name);
  if (dtype && (*dtype == DType::kF32 || *dtype == DType::kBF16 || *dtype == DType::kF16)) {
    return *dtype;
  }
  fields.complain(fmt::format("{} is \"{}\", accepted: float32, bfloat16, float16, auto", key,
                              name->substr(0, 40)));
  return std::nullopt;
}

void read_shape(FieldReader& fields, ModelConfig& config) {
  config.hidden_size = fields.require_u32("hidden_size", 1, kMaxHidden);
  config.num_layers = fields.require_u32("num_hidden_layers", 1, kMaxLayers);
  config.num_heads = fields.require_u32("num_attention_heads", 1, kMaxHeads);
  config.intermediate_size = fields.require_u32("intermediate_size", 1, kMaxIntermediate);
  config.vocab_size = fields.require_u32("vocab_size", 1, kMaxVocab);
  // 0 = absent; the family fills these.
  config.num_kv_heads = fields.u32_or("num_key_value_heads", 1, kMaxHeads, 0);
  config.head_dim = fields.u32_or("head_dim", 2, kMaxHeadDim, 0);
  config.max_position_embeddings = fields.u32_or("max_position_embeddings", 1, kMaxPositions, 0);
}

void check_shape(FieldReader& fields, const ModelConfig& config) {
  if (config.head_dim == 0) {
    fields.complain(
        fmt::format("head_dim is missing and hidden_size {} / num_attention_heads {} is 0",
                    config.hidden_size, config.num_heads));
  } else if (config.head_dim > kMaxHeadDim || config.head_dim % 2 != 0) {
    fields.complain(fmt::format("head_dim is {}, accepted: even numbers from 2 to {}",
                                config.head_dim, kMaxHeadDim));
  }
  if (config.num_heads % config.num_kv_heads != 0) {
    fields.complain(
        fmt::format("num_attention_heads {} is not a multiple of num_key_value_heads {}",
                    config.num_heads, config.num_kv_heads));
  }
}

// layer_types of the file win over the rule of the family.
void read_layer_types(FieldReader& fields, ModelConfig& config) {
  if (!fields.has("layer_types")) return;
  const std::vector<std::string> names = fields.texts("layer_types", kMaxLayers);
  if (names.size() != config.num_layers) {
    fields.complain(fmt::format("layer_types names {} layers, num_hidden_layers is {}",
                                names.size(), config.num_layers));
    return;
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == "full_attention") {
      config.layer_types[i] = AttentionKind::kFull;
    } else if (names[i] == "sliding_attention") {
      config.layer_types[i] = AttentionKind::kSliding;
      if (!config.sliding_window) {
        fields.complain(
            fmt::format("layer_types[{}] is sliding_attention without a sliding_window", i));
        return;
      }
    } else {
      fields.complain(
          fmt::format("layer_types[{}] is \"{}\", accepted: full_attention, sliding_attention", i,
                      names[i].substr(0, 40)));
      return;
    }
  }
}

// The smallest context length that any key states, stretched by the RoPE scaling.
std::uint32_t derive_max_model_len(FieldReader& fields, const ModelConfig& config) {
  constexpr std::array kKeys = {"n_positions",      "max_seq_len",         "seq_length",
                                "model_max_length", "max_sequence_length", "max_seq_length"};
  std::optional<std::int64_t> smallest;
  if (fields.has("max_position_embeddings")) smallest = config.max_position_embeddings;
  for (const char* key : kKeys) {
    const std::optional<std::int64_t> value = fields.integer(key, 1, kMaxPositions);
    if (value) smallest = std::min(smallest.value_or(*value), *value);
  }
  const double stretched =
      stretched_context(config.rope, static_cast<double>(smallest.value_or(std::max(
                                         config.max_position_embeddings, kAbsentMaxModelLen))));
  if (stretched > kMaxPositions) {
    fields.complain(
        fmt::format("RoPE scaling stretches the context to {} tokens, accepted: at most {}",
                    stretched, kMaxPositions));
    return 1;
  }
  return std::max<std::uint32_t>(1, static_cast<std::uint32_t>(stretched));
}

void read_tokens(FieldReader& fields, ModelConfig& config) {
  config.eos_token_ids = fields.one_or_more_ids("eos_token_id");
  // Some checkpoints list several; the first one starts a text.
  const std::vector<TokenId> bos = fields.one_or_more_ids("bos_token_id");
  if (!bos.empty()) config.bos_token_id = bos.front();
  // -1 stands for "none" in some checkpoints.
  const auto pad = fields.integer("pad_token_id", -1, kMaxPositions);
  if (pad && *pad >= 0) config.pad_token_id = static_cast<TokenId>(*pad);
}

Activation read_activation(FieldReader& fields) {
  const std::string name = fields.text("hidden_act").value_or("silu");
  if (name != "silu" && name != "swish") {
    fields.complain(fmt::format("hidden_act is \"{}\", accepted: silu", name.substr(0, 40)));
  }
  return Activation::kSilu;
}

// "compression_config" is the older name of the key.
Result<std::shared_ptr<const QuantizationSpec>> read_quantization(const FieldReader& fields,
                                                                  std::string_view source) {
  for (const char* key : {"quantization_config", "compression_config"}) {
    const json* object = fields.find(key);
    if (object == nullptr) continue;
    ASSIGN_OR_RETURN(QuantizationSpec spec, QuantizationSpec::parse(*object, key, source));
    return std::make_shared<const QuantizationSpec>(std::move(spec));
  }
  return std::shared_ptr<const QuantizationSpec>();
}

}  // namespace

Result<ModelConfig> ModelConfig::parse(std::string_view json_text, std::string_view overrides_json,
                                       std::string_view source) {
  ASSIGN_OR_RETURN(json object, parse_json_object(json_text, source));
  if (!overrides_json.empty()) {
    ASSIGN_OR_RETURN(const json overrides, parse_json_object(overrides_json, "hf_overrides"));
    object.merge_patch(overrides);
  }
  FieldReader fields(object, std::string(source));
  ASSIGN_OR_RETURN(const Family* family, pick_family(fields, source));

  ModelConfig config;
  ASSIGN_OR_RETURN(config.quantization, read_quantization(fields, source));
  config.architecture = family->architecture;
  config.model_type = fields.text("model_type").value_or("");
  read_shape(fields, config);
  config.rms_norm_eps = fields.number("rms_norm_eps", 0.0, 1.0).value_or(1e-6);
  config.hidden_act = read_activation(fields);
  config.attention_bias = fields.boolean_or("attention_bias", false);
  config.mlp_bias = fields.boolean_or("mlp_bias", false);
  config.tie_word_embeddings = fields.boolean_or("tie_word_embeddings", false);
  config.dtype = read_dtype(fields);
  read_tokens(fields, config);
  config.layer_types.assign(config.num_layers, AttentionKind::kFull);

  family->complete(fields, config);
  check_shape(fields, config);
  read_layer_types(fields, config);
  config.rope = read_rope_config(fields, config.head_dim, config.max_position_embeddings);
  config.max_model_len = derive_max_model_len(fields, config);
  RETURN_IF_ERROR(fields.status());
  return config;
}

Result<ModelConfig> ModelConfig::load(const std::filesystem::path& folder,
                                      std::string_view overrides_json) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(folder, ignored)) {
    return not_found("model folder {} does not exist; looked for {}", folder.string(),
                     (folder / "config.json").string());
  }
  const std::filesystem::path path = folder / "config.json";
  Result<std::string> text = read_file(path, kMaxConfigBytes);
  if (!text.has_value()) return text.error().with_context("model config");
  return parse(*text, overrides_json, path.string());
}

std::uint32_t ModelConfig::window_of_layer(std::uint32_t layer) const {
  return layer_types[layer] == AttentionKind::kSliding ? sliding_window.value_or(0) : 0;
}

std::uint64_t ModelConfig::num_parameters() const {
  const std::uint64_t hidden = hidden_size;
  const std::uint64_t q = std::uint64_t{num_heads} * head_dim;
  const std::uint64_t kv = std::uint64_t{num_kv_heads} * head_dim;
  const std::uint64_t attention = hidden * (2 * q + 2 * kv);
  const std::uint64_t mlp = 3 * hidden * intermediate_size;
  const std::uint64_t embedding = hidden * vocab_size * (tie_word_embeddings ? 1 : 2);
  return embedding + num_layers * (attention + mlp + 2 * hidden) + hidden;
}

}  // namespace nacelle::model
