#include "model/rope_table.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <numbers>

#include "base/check.h"

namespace nacelle::model {
namespace {

constexpr std::size_t kFillStep = 1024;  // positions filled at a time, at least
constexpr std::size_t kLeastCapacity = 4096;

// theta^(-2i/d), rounded to f32 as the reference does.
std::vector<float> plain(double theta, std::uint32_t head_dim) {
  std::vector<float> inverse(head_dim / 2);
  for (std::size_t i = 0; i < inverse.size(); ++i) {
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(head_dim);
    inverse[i] = 1.0F / static_cast<float>(std::pow(theta, static_cast<double>(exponent)));
  }
  return inverse;
}

std::vector<float> llama3(const RopeConfig& rope, std::uint32_t head_dim) {
  std::vector<float> inverse = plain(rope.theta, head_dim);
  const double original = rope.original_max_positions;
  for (float& frequency : inverse) {
    const double wavelength = 2.0 * std::numbers::pi / frequency;
    if (wavelength < original / rope.high_freq_factor) continue;
    if (wavelength > original / rope.low_freq_factor) {
      frequency = static_cast<float>(frequency / rope.factor);
      continue;
    }
    const double smooth = (original / wavelength - rope.low_freq_factor) /
                          (rope.high_freq_factor - rope.low_freq_factor);
    frequency = static_cast<float>((1.0 - smooth) * frequency / rope.factor + smooth * frequency);
  }
  return inverse;
}

double yarn_mscale(double factor, double mscale) {
  return factor <= 1.0 ? 1.0 : 0.1 * mscale * std::log(factor) + 1.0;
}

RopeFrequencies yarn(const RopeConfig& rope, std::uint32_t head_dim) {
  const double dim = head_dim;
  // The dimension whose wave turns `rotations` times within the original context.
  const auto border = [&](double rotations) {
    return dim * std::log(rope.original_max_positions / (rotations * 2.0 * std::numbers::pi)) /
           (2.0 * std::log(rope.theta));
  };
  double low = border(rope.beta_fast);
  double high = border(rope.beta_slow);
  if (rope.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, dim - 1.0);
  if (low == high) high += 0.001;  // a ramp of no width has no slope

  RopeFrequencies out{plain(rope.theta, head_dim), 1.0F};
  for (std::size_t i = 0; i < out.inverse.size(); ++i) {
    const double ramp = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    const double frequency = out.inverse[i];
    out.inverse[i] = static_cast<float>(frequency / rope.factor * ramp + frequency * (1.0 - ramp));
  }
  const bool has_both = rope.mscale != 0.0 && rope.mscale_all_dim != 0.0;
  const double inferred = has_both ? yarn_mscale(rope.factor, rope.mscale) /
                                         yarn_mscale(rope.factor, rope.mscale_all_dim)
                                   : yarn_mscale(rope.factor, 1.0);
  out.scale = static_cast<float>(rope.attention_factor.value_or(inferred));
  return out;
}

RopeFrequencies longrope(const RopeConfig& rope, std::uint32_t head_dim, std::uint32_t max_len) {
  RopeFrequencies out{plain(rope.theta, head_dim), 1.0F};
  const std::vector<double>& divisors =
      max_len > rope.original_max_positions ? rope.long_factor : rope.short_factor;
  for (std::size_t i = 0; i < out.inverse.size(); ++i) {
    out.inverse[i] = static_cast<float>(out.inverse[i] / divisors[i]);
  }
  const double inferred =
      rope.factor <= 1.0
          ? 1.0
          : std::sqrt(1.0 + std::log(rope.factor) / std::log(rope.original_max_positions));
  out.scale = static_cast<float>(rope.attention_factor.value_or(inferred));
  return out;
}

}  // namespace

RopeFrequencies rope_frequencies(const ModelConfig& config) {
  const RopeConfig& rope = config.rope;
  const std::uint32_t dim = config.head_dim;
  switch (rope.kind) {
    case RopeKind::kDefault:
      break;
    case RopeKind::kLinear: {
      RopeFrequencies out{plain(rope.theta, dim), 1.0F};
      for (float& frequency : out.inverse) {
        frequency = static_cast<float>(frequency / rope.factor);
      }
      return out;
    }
    case RopeKind::kDynamic: {
      // L' / L is the factor itself, whatever L is.
      const double stretch = rope.factor * rope.factor - (rope.factor - 1.0);
      const double exponent = static_cast<double>(dim) / (static_cast<double>(dim) - 2.0);
      return {plain(rope.theta * std::pow(stretch, exponent), dim), 1.0F};
    }
    case RopeKind::kLlama3:
      return {llama3(rope, dim), 1.0F};
    case RopeKind::kYarn:
      return yarn(rope, dim);
    case RopeKind::kLongrope:
      return longrope(rope, dim, config.max_model_len);
  }
  return {plain(rope.theta, dim), 1.0F};
}

void RotaryTable::reserve(std::size_t num_positions) {
  const std::size_t capacity = std::bit_ceil(std::max(num_positions, kLeastCapacity));
  const std::size_t row_bytes = frequencies_.inverse.size() * sizeof(float);
  for (Buffer* table : {&cos_, &sin_}) {
    // A few MiB of address space: refusal means the process is beyond help (see scratch.h).
    Result<Buffer> larger = Buffer::allocate(capacity * row_bytes);
    CHECK(larger.ok());
    if (filled_ > 0) std::memcpy(larger->data(), table->data(), filled_ * row_bytes);
    *table = std::move(*larger);
  }
  capacity_ = capacity;
}

kernels::RopeTable RotaryTable::up_to(std::size_t num_positions, kernels::WorkerPool& pool) {
  if (num_positions > capacity_) reserve(num_positions);
  const std::size_t half = frequencies_.inverse.size();
  float* const cos = cos_.as<float>().data();
  float* const sin = sin_.as<float>().data();
  if (num_positions > filled_) {
    const std::size_t first = filled_;
    const std::size_t last = std::min(capacity_, std::max(num_positions, filled_ + kFillStep));
    pool.run_ranges(last - first, 64, [&](std::size_t begin, std::size_t end) {
      for (std::size_t row = first + begin; row < first + end; ++row) {
        for (std::size_t i = 0; i < half; ++i) {
          // The angle is an f32 product in the reference, also at long positions.
          const double angle = static_cast<float>(row) * frequencies_.inverse[i];
          cos[row * half + i] = static_cast<float>(std::cos(angle)) * frequencies_.scale;
          sin[row * half + i] = static_cast<float>(std::sin(angle)) * frequencies_.scale;
        }
      }
    });
    filled_ = last;
  }
  return {.cos = cos, .sin = sin, .max_position = filled_, .half_dim = half};
}

}  // namespace nacelle::model
