// rope_config.h: how positions become rotation angles, as config.json says it.
//
// Source:  engine.md section 31, table of RoPE scaling kinds; both the older keys (rope_theta,
//          rope_scaling) and the newer one (rope_parameters) of Hugging Face.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace nacelle::model {

class FieldReader;

enum class RopeKind { kDefault, kLinear, kDynamic, kLlama3, kYarn, kLongrope };

[[nodiscard]] std::string_view to_string(RopeKind kind);

struct RopeConfig {
  RopeKind kind = RopeKind::kDefault;
  double theta = 10000.0;
  double factor = 1.0;  // linear, dynamic, llama3, yarn, longrope
  // Tokens of context before scaling: llama3, yarn, longrope.
  double original_max_positions = 0.0;
  double low_freq_factor = 1.0;            // llama3
  double high_freq_factor = 4.0;           // llama3
  double beta_fast = 32.0;                 // yarn
  double beta_slow = 1.0;                  // yarn
  bool truncate = true;                    // yarn: round the ramp's borders to whole dimensions
  double mscale = 0.0;                     // yarn; 0 = not given
  double mscale_all_dim = 0.0;             // yarn; 0 = not given
  std::optional<double> attention_factor;  // yarn, longrope: multiplies cos and sin
  std::vector<double> short_factor;        // longrope, [head_dim / 2]
  std::vector<double> long_factor;         // longrope, [head_dim / 2]
};

// Reads the RoPE keys of config.json. Complaints go to `fields`.
[[nodiscard]] RopeConfig read_rope_config(FieldReader& fields, std::uint32_t head_dim,
                                          std::uint32_t max_position_embeddings);

// Tokens of context that `rope` stretches `max_position_embeddings` to. Rounded down.
[[nodiscard]] double stretched_context(const RopeConfig& rope, double max_position_embeddings);

}  // namespace nacelle::model
