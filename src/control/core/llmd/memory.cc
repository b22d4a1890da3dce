#include "control/core/llmd/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace nacelle::control::llmd {
namespace {

using kube::number_at;

constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;

std::int64_t gib(double amount) { return static_cast<std::int64_t>(std::llround(amount * kGiB)); }

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

double activation_gib(Family family) {
  switch (family) {
    case Family::kLlama:
      return 4.8;
    case Family::kQwen:
      return 5.6;
    case Family::kOther:
      return 5.5;
    case Family::kMixture:
      return 8.0;
    case Family::kMultimodal:
      return 2.5;
  }
  return 5.5;
}

Family family_of(const kube::Json& config, const kube::Json& text) {
  for (const char* experts : {"num_local_experts", "n_routed_experts", "num_experts"}) {
    if (number_at(text, {experts}).value_or(0) > 1) return Family::kMixture;
  }
  if (kube::find(config, {"vision_config"}) != nullptr) return Family::kMultimodal;
  const std::string_view type = kube::text_at(text, {"model_type"});
  if (type == "llama") return Family::kLlama;
  return type.starts_with("qwen") ? Family::kQwen : Family::kOther;
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
  constexpr std::int64_t kMost = 1 << 24;
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
    out.kv_latent = rank + number("qk_rope_head_dim");
  }
  if (out.kv_heads > kMost || out.head_dim > kMost || out.kv_latent > kMost || weight_bytes < 0) {
    return invalid_argument("config.json: {} heads of {} are no model", out.kv_heads, out.head_dim);
  }
  return out;
}

std::int64_t kv_bytes_per_token(const ModelShape& model, const EngineShape& engine) {
  const std::int64_t layers = ceil_div(model.layers, engine.pipeline);
  if (model.kv_latent > 0) return layers * model.kv_latent * engine.kv_value_bytes;
  // With more devices than KV heads each keeps one.
  const std::int64_t heads = ceil_div(model.kv_heads, engine.tensor);
  return 2 * layers * heads * model.head_dim * engine.kv_value_bytes;
}

Result<MemoryTerms> memory_of(const ModelShape& model, const EngineShape& engine) {
  if (engine.tensor < 1 || engine.pipeline < 1 || engine.block_tokens < 1) {
    return invalid_argument("tensor {}, pipeline {} and block {} must be at least 1", engine.tensor,
                            engine.pipeline, engine.block_tokens);
  }
  if (model.heads % engine.tensor != 0) {
    return invalid_argument("{} attention heads cannot be split over {} devices", model.heads,
                            engine.tensor);
  }
  const std::int64_t tokens = engine.max_model_len > 0
                                  ? std::min(engine.max_model_len, std::int64_t{1} << 24)
                                  : model.max_positions;
  MemoryTerms out;
  out.weights = ceil_div(model.weight_bytes, engine.tensor * engine.pipeline);
  out.kv_minimum = ceil_div(tokens, engine.block_tokens) * engine.block_tokens *
                   kv_bytes_per_token(model, engine);
  out.activation = gib(activation_gib(model.family));
  out.context = gib(engine.tensor == 1 ? 0.15 : 0.6);
  out.graphs = 0;  // the empirical activation holds them already
  return out;
}

Status check_device(const std::vector<Tenant>& tenants, std::int64_t device_bytes,
                    double utilization) {
  const auto budget = static_cast<std::int64_t>(static_cast<double>(device_bytes) * utilization);
  std::int64_t sum = 0;
  std::string list;
  const auto in_gib = [](std::int64_t bytes) {
    return fmt::format("{:.2f}", static_cast<double>(bytes) / kGiB);
  };
  for (const Tenant& tenant : tenants) {
    sum += tenant.total();
    if (!list.empty()) list += "; ";
    list += tenant.name + " " + in_gib(tenant.total());
    if (tenant.declared) {
      list += " (declared)";
      continue;
    }
    list += " (weights " + in_gib(tenant.terms.weights) + ", KV minimum " +
            in_gib(tenant.terms.kv_minimum) + ", activation " + in_gib(tenant.terms.activation) +
            ", context " + in_gib(tenant.terms.context) + ", graphs " +
            in_gib(tenant.terms.graphs) + ")";
  }
  if (sum <= budget) return {};
  return failed_precondition(
      "{} GiB are needed of {} GiB ({:.0f} % of a {} GiB device), {} GiB too "
      "much: {}",
      in_gib(sum), in_gib(budget), utilization * 100, in_gib(device_bytes), in_gib(sum - budget),
      list);
}

}  // namespace nacelle::control::llmd
