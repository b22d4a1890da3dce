// model_config_fuzz.cc: any text as config.json or generation_config.json ends in values within
// their stated bounds or in a Status. A first byte of # marks a generation_config.json.

// links: model kernels tensor base
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "model/arch/family.h"
#include "model/config.h"
#include "model/generation_config.h"
#include "model/rope_table.h"

namespace {

void expect(bool condition) {
  if (!condition) std::abort();
}

void check_config(std::string_view text) {
  const auto config = nacelle::model::ModelConfig::parse(text);
  if (!config.ok()) return;
  expect(config->num_heads % config->num_kv_heads == 0);
  expect(config->head_dim % 2 == 0 && config->head_dim >= 2);
  expect(config->layer_types.size() == config->num_layers);
  expect(config->max_model_len >= 1);
  expect(config->num_parameters() > 0);
  const auto* family = nacelle::model::find_family(config->architecture);
  expect(family != nullptr);
  expect(family->spec(*config).windows.size() == config->num_layers);
  const auto frequencies = nacelle::model::rope_frequencies(*config);
  expect(frequencies.inverse.size() == config->head_dim / 2);
  for (const float frequency : frequencies.inverse) expect(std::isfinite(frequency));
  expect(std::isfinite(frequencies.scale));
}

void check_generation_config(std::string_view text) {
  const auto config = nacelle::model::GenerationConfig::parse(text);
  if (!config.ok()) return;
  expect(!config->temperature || *config->temperature >= 0.0);
  expect(!config->top_p || (*config->top_p > 0.0 && *config->top_p <= 1.0));
  expect(!config->top_k || *config->top_k >= -1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.starts_with('#')) {
    check_generation_config(text.substr(1));
  } else {
    check_config(text);
  }
  return 0;
}
