#include "model/rope_config.h"

#include <cmath>
#include <string>

#include <nlohmann/json.hpp>

#include "model/field_reader.h"

namespace nacelle::model {
namespace {

constexpr double kMaxFactor = 1e6;
constexpr double kMaxTheta = 1e15;
constexpr double kMaxPositions = 2147483647.0;
constexpr std::string_view kKinds = "default, linear, dynamic, llama3, yarn, longrope";

std::optional<RopeKind> parse_kind(std::string_view name) {
  if (name == "default") return RopeKind::kDefault;
  if (name == "linear") return RopeKind::kLinear;
  if (name == "dynamic") return RopeKind::kDynamic;
  if (name == "llama3") return RopeKind::kLlama3;
  if (name == "yarn") return RopeKind::kYarn;
  if (name == "longrope" || name == "su") return RopeKind::kLongrope;
  return std::nullopt;
}

void require_factor(FieldReader& scaling, RopeConfig& rope) {
  if (!scaling.has("factor")) {
    scaling.complain(fmt::format("RoPE kind {} needs a factor", to_string(rope.kind)));
  }
  rope.factor = scaling.number("factor", 1.0, kMaxFactor).value_or(1.0);
}

void read_llama3(FieldReader& scaling, RopeConfig& rope) {
  require_factor(scaling, rope);
  rope.low_freq_factor = scaling.number("low_freq_factor", 1e-6, kMaxFactor).value_or(1.0);
  rope.high_freq_factor = scaling.number("high_freq_factor", 1e-6, kMaxFactor).value_or(4.0);
  if (!(rope.high_freq_factor > rope.low_freq_factor)) {
    scaling.complain(fmt::format("high_freq_factor {} must be larger than low_freq_factor {}",
                                 rope.high_freq_factor, rope.low_freq_factor));
  }
}

void read_yarn(FieldReader& scaling, RopeConfig& rope) {
  require_factor(scaling, rope);
  rope.beta_fast = scaling.number("beta_fast", 1e-6, kMaxFactor).value_or(32.0);
  rope.beta_slow = scaling.number("beta_slow", 1e-6, kMaxFactor).value_or(1.0);
  rope.truncate = scaling.boolean_or("truncate", true);
  rope.mscale = scaling.number("mscale", 0.0, kMaxFactor).value_or(0.0);
  rope.mscale_all_dim = scaling.number("mscale_all_dim", 0.0, kMaxFactor).value_or(0.0);
  rope.attention_factor = scaling.number("attention_factor", 1e-6, kMaxFactor);
}

void read_longrope(FieldReader& scaling, RopeConfig& rope, std::uint32_t head_dim,
                   std::uint32_t max_position_embeddings) {
  const std::size_t pairs = head_dim / 2;
  rope.short_factor = scaling.numbers("short_factor", 4096, 1e-6, kMaxFactor);
  rope.long_factor = scaling.numbers("long_factor", 4096, 1e-6, kMaxFactor);
  if (rope.short_factor.size() != pairs || rope.long_factor.size() != pairs) {
    scaling.complain(
        fmt::format("longrope needs {} short and {} long factors (head_dim / 2), got {} and {}",
                    pairs, pairs, rope.short_factor.size(), rope.long_factor.size()));
  }
  const double ratio = max_position_embeddings / rope.original_max_positions;
  rope.factor = scaling.number("factor", 1e-6, kMaxFactor).value_or(ratio);
  rope.attention_factor = scaling.number("attention_factor", 1e-6, kMaxFactor);
}

// The object that describes the scaling, or nullptr. The newer key wins when a file has both.
const nlohmann::json* find_scaling(FieldReader& fields, std::string& key) {
  for (const char* name : {"rope_parameters", "rope_scaling"}) {
    const nlohmann::json* value = fields.find(name);
    if (value == nullptr) continue;
    if (!value->is_object()) {
      fields.complain(fmt::format("{} is not an object", name));
      continue;
    }
    if (value->contains("full_attention") || value->contains("sliding_attention")) {
      fields.complain(
          fmt::format("{} differs per layer type, which no supported family uses", name));
      continue;
    }
    key = name;
    return value;
  }
  return nullptr;
}

}  // namespace

std::string_view to_string(RopeKind kind) {
  switch (kind) {
    case RopeKind::kDefault:
      return "default";
    case RopeKind::kLinear:
      return "linear";
    case RopeKind::kDynamic:
      return "dynamic";
    case RopeKind::kLlama3:
      return "llama3";
    case RopeKind::kYarn:
      return "yarn";
    case RopeKind::kLongrope:
      return "longrope";
  }
  return "unknown";
}

RopeConfig read_rope_config(FieldReader& fields, std::uint32_t head_dim,
                            std::uint32_t max_position_embeddings) {
  RopeConfig rope;
  rope.original_max_positions = max_position_embeddings;
  rope.theta = fields.number("rope_theta", 1.0, kMaxTheta).value_or(rope.theta);
  double rotary_share = fields.number("partial_rotary_factor", 0.0, 1.0).value_or(1.0);

  std::string key;
  if (const nlohmann::json* object = find_scaling(fields, key); object != nullptr) {
    FieldReader scaling(*object, "", key + ".");
    rope.theta = scaling.number("rope_theta", 1.0, kMaxTheta).value_or(rope.theta);
    rotary_share = scaling.number("partial_rotary_factor", 0.0, 1.0).value_or(rotary_share);
    const std::string name =
        scaling.text("rope_type").value_or(scaling.text("type").value_or("default"));
    const std::optional<RopeKind> kind = parse_kind(name);
    if (!kind) {
      scaling.complain(
          fmt::format("{} has the unknown rope_type \"{}\", accepted: {}", key, name, kKinds));
    }
    rope.kind = kind.value_or(RopeKind::kDefault);
    rope.original_max_positions =
        fields.number("original_max_position_embeddings", 2.0, kMaxPositions)
            .value_or(scaling.number("original_max_position_embeddings", 2.0, kMaxPositions)
                          .value_or(rope.original_max_positions));
    switch (rope.kind) {
      case RopeKind::kDefault:
        break;
      case RopeKind::kLinear:
      case RopeKind::kDynamic:
        require_factor(scaling, rope);
        break;
      case RopeKind::kLlama3:
        read_llama3(scaling, rope);
        break;
      case RopeKind::kYarn:
        read_yarn(scaling, rope);
        break;
      case RopeKind::kLongrope:
        read_longrope(scaling, rope, head_dim, max_position_embeddings);
        break;
    }
    fields.adopt(scaling);
  }
  if (rotary_share != 1.0) {
    fields.complain(fmt::format(
        "partial_rotary_factor is {}, accepted: 1 (no supported family rotates a part of a head)",
        rotary_share));
  }
  // The bases of NTK and of YaRN's ramp are raised to d/(d-2) and divided by ln(theta).
  if (rope.kind == RopeKind::kDynamic && head_dim <= 2) {
    fields.complain(fmt::format("dynamic RoPE needs head_dim of at least 4, got {}", head_dim));
  }
  if (rope.kind == RopeKind::kYarn && rope.theta <= 1.0) {
    fields.complain(fmt::format("yarn needs rope_theta above 1, got {}", rope.theta));
  }
  return rope;
}

double stretched_context(const RopeConfig& rope, double max_position_embeddings) {
  switch (rope.kind) {
    case RopeKind::kLinear:
    case RopeKind::kDynamic:
      return std::floor(max_position_embeddings * rope.factor);
    case RopeKind::kYarn:
      return std::floor(rope.original_max_positions * rope.factor);
    case RopeKind::kDefault:
    case RopeKind::kLlama3:
    case RopeKind::kLongrope:
      break;
  }
  return max_position_embeddings;
}

}  // namespace nacelle::model
