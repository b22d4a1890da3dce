#include "control/core/llmd/model_shape.h"

#include <algorithm>
#include <string_view>

namespace nacelle::control::llmd {
namespace {

using kube::number_at;
using kube::text_at;

constexpr std::int64_t kMost = 1 << 24;

Family family_of(const kube::Json& config, const kube::Json& text) {
  for (const char* experts : {"num_local_experts", "n_routed_experts", "num_experts"}) {
    if (number_at(text, {experts}).value_or(0) > 1) return Family::kMixture;
  }
  if (kube::find(config, {"vision_config"}) != nullptr) return Family::kMultimodal;
  const std::string_view type = text_at(text, {"model_type"});
  if (type == "llama") return Family::kLlama;
  return type.starts_with("qwen") ? Family::kQwen : Family::kOther;
}

// Layers that look back over a window only, and those that keep no keys and values at all.
void read_layer_types(const kube::Json& text, ModelShape& out) {
  const kube::Json& types = kube::list_at(text, {"layer_types"});
  for (const kube::Json& type : types) {
    if (type == "sliding_attention" || type == "chunked_attention") {
      ++out.window_layers;
      --out.layers;
    } else if (type == "linear_attention" || type == "mamba" || type == "recurrent") {
      --out.layers;
    }
  }
  if (!types.empty()) return;
  const kube::Json* use = kube::find(text, {"use_sliding_window"});
  if (out.window == 0 || (use != nullptr && *use == false)) return;
  // Gemma: every n-th layer sees everything. Qwen: the first n layers do. Mistral: none does.
  const auto pattern = number_at(text, {"sliding_window_pattern"});
  const auto first = number_at(text, {"max_window_layers"});
  std::int64_t whole = 0;
  if (pattern && *pattern > 0) whole = out.layers / *pattern;
  if (first) whole = std::clamp<std::int64_t>(*first, 0, out.layers);
  out.window_layers = out.layers - whole;
  out.layers = whole;
}

}  // namespace

Result<ModelShape> parse_shape(const kube::Json& config, std::int64_t weight_bytes) {
  const kube::Json* below = kube::find(config, {"text_config"});
  const kube::Json& text = below == nullptr ? config : *below;
  const auto number = [&](const char* name) { return number_at(text, {name}).value_or(0); };
  ModelShape out{.weight_bytes = weight_bytes,
                 .layers = number("num_hidden_layers"),
                 .heads = number("num_attention_heads"),
                 .kv_heads = number("num_key_value_heads"),
                 .head_dim = number("head_dim"),
                 .max_positions = number("max_position_embeddings"),
                 .family = family_of(config, text)};
  for (const std::int64_t value :
       {out.layers, out.heads, number("hidden_size"), out.max_positions}) {
    if (value < 1 || value > kMost) {
      return invalid_argument(
          "config.json: layers {}, heads {}, hidden size {}, positions {} are no "
          "model",
          out.layers, out.heads, number("hidden_size"), out.max_positions);
    }
  }
  if (out.kv_heads < 1) out.kv_heads = out.heads;
  if (out.head_dim < 1) out.head_dim = number("hidden_size") / out.heads;
  if (const std::int64_t rank = number("kv_lora_rank"); rank > 0) {
    out.kv_latent =
        std::min(rank, kMost) + std::clamp<std::int64_t>(number("qk_rope_head_dim"), 0, kMost);
  }
  for (const char* window : {"sliding_window", "attention_chunk_size"}) {
    if (const std::int64_t tokens = number(window); tokens > 0)
      out.window = std::min(tokens, kMost);
  }
  const std::int64_t all_layers = out.layers;
  read_layer_types(text, out);
  if (out.kv_heads > kMost || out.head_dim > kMost || out.kv_latent > kMost || weight_bytes < 0) {
    return invalid_argument("config.json: {} heads of {} are no model", out.kv_heads, out.head_dim);
  }
  if (out.layers < 0 || (out.window_layers > 0 && out.window == 0)) {
    return invalid_argument("config.json: layer_types do not belong to {} layers with window {}",
                            all_layers, out.window);
  }
  return out;
}

}  // namespace nacelle::control::llmd
