#include "model/arch/family.h"

#include <array>
#include <limits>
#include <span>

#include "model/field_reader.h"

namespace nacelle::model {
namespace {

constexpr std::uint32_t kMaxWindow = std::numeric_limits<std::int32_t>::max();

std::span<const Family* const> table() {
  static constexpr std::array<const Family*, 4> kTable = {&kLlama, &kMistral, &kQwen2, &kQwen3};
  return kTable;
}

}  // namespace

const Family* find_family(std::string_view architecture) {
  for (const Family* family : table()) {
    if (family->architecture == architecture) return family;
  }
  return nullptr;
}

std::string supported_architectures() {
  std::string names;
  for (const Family* family : table()) {
    if (!names.empty()) names += ", ";
    names += family->architecture;
  }
  return names;
}

void default_kv_heads(ModelConfig& config, std::uint32_t absent) {
  if (config.num_kv_heads == 0) config.num_kv_heads = absent;
}

void default_head_dim(ModelConfig& config) {
  if (config.head_dim == 0) config.head_dim = config.hidden_size / config.num_heads;
}

void default_max_positions(ModelConfig& config, std::uint32_t absent) {
  if (config.max_position_embeddings == 0) config.max_position_embeddings = absent;
}

void read_sliding_window(FieldReader& fields, ModelConfig& config,
                         std::optional<std::uint32_t> absent) {
  if (const auto window = fields.integer("sliding_window", 1, kMaxWindow); window) {
    config.sliding_window = static_cast<std::uint32_t>(*window);
  } else if (!fields.mentions("sliding_window")) {
    config.sliding_window = absent;
  }
}

void read_gated_sliding_window(FieldReader& fields, ModelConfig& config) {
  constexpr std::uint32_t kWindowIfAbsent = 4096;
  constexpr std::uint32_t kFirstLayerIfAbsent = 28;
  const bool use = fields.boolean_or("use_sliding_window", false);
  read_sliding_window(fields, config, kWindowIfAbsent);
  const std::uint32_t first_layer =
      fields.u32_or("max_window_layers", 0, kMaxWindow, kFirstLayerIfAbsent);
  if (!use) config.sliding_window.reset();
  if (!config.sliding_window) return;
  for (std::uint32_t layer = first_layer; layer < config.num_layers; ++layer) {
    config.layer_types[layer] = AttentionKind::kSliding;
  }
}

std::vector<std::uint32_t> windows_of(const ModelConfig& config) {
  std::vector<std::uint32_t> windows;
  for (std::uint32_t layer = 0; layer < config.num_layers; ++layer) {
    windows.push_back(config.window_of_layer(layer));
  }
  return windows;
}

}  // namespace nacelle::model
