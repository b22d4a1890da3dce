#include "engine/exec/sampler/row_ops.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "engine/exec/sampler/philox.h"

// The bodies are plain loops that the compiler vectorises (this file is built with -O3); they are
// inlined into one copy per instruction set.
#define NACELLE_INLINE inline __attribute__((always_inline))

namespace nacelle::engine {
namespace {

// Draws are made in groups: word w of counter (group * kLanes + lane) is the draw of token
// group * kGroup + w * kLanes + lane.
constexpr std::size_t kLanes = 64;
constexpr std::size_t kGroup = 4 * kLanes;
constexpr std::size_t kFold = 256;  // elements summed pairwise before they join the total

NACELLE_INLINE float exp_body(float x) {
  // As unsigned numbers, the bits of x <= -0 ascend as x descends. Integer steps instead of a
  // condition on x, which would become a branch and keep the loop from being vectorised.
  constexpr std::uint32_t kSign = 0x80000000, kLowest = std::bit_cast<std::uint32_t>(-87.0f);
  const std::uint32_t bits = std::min(std::bit_cast<std::uint32_t>(x) | kSign, kLowest);
  const std::int32_t above_lowest = static_cast<std::int32_t>(bits - kLowest) >> 31;  // -1 or 0
  x = std::bit_cast<float>(bits);

  // x = n ln 2 + r, |r| <= ln 2 / 2; a degree 6 polynomial for exp(r) (Cephes coefficients).
  const auto n = static_cast<std::int32_t>(x * 1.44269504088896341f - 0.5f);  // x <= 0: rounds
  const auto fn = static_cast<float>(n);
  const float r = x - fn * 0.693359375f - fn * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const float scaled = p * std::bit_cast<float>((n + 127) << 23);
  return std::bit_cast<float>(std::bit_cast<std::int32_t>(scaled) & above_lowest);
}

NACELLE_INLINE float log_body(float y) {
  // y = 2^e m, sqrt(1/2) <= m < sqrt(2); a degree 8 polynomial for log(m) (Cephes coefficients).
  const auto bits = std::bit_cast<std::int32_t>(y);
  std::int32_t e = (bits >> 23) - 126;
  float m = std::bit_cast<float>((bits & 0x007fffff) | 0x3f000000);
  const bool low = m < 0.707106781186547524f;
  e -= low ? 1 : 0;
  m = (low ? m + m : m) - 1.0f;
  const float z = m * m;
  float p = 7.0376836292e-2f;
  p = p * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  p = p * m * z;
  const auto fe = static_cast<float>(e);
  return (p + fe * -2.12194440e-4f - 0.5f * z) + m + fe * 0.693359375f;
}

// -log(1 - u) with u uniform in (0, 1) on a grid of 2^-31: fine near 0, where small draws decide.
NACELLE_INLINE float draw_body(std::uint32_t word) {
  const float half_open = static_cast<float>(static_cast<std::int32_t>(word >> 1)) + 0.5f;
  float u = half_open * 0x1p-31f;
  u = u < 1.0f - 0x1p-24f ? u : 1.0f - 0x1p-24f;
  const float y = 1.0f - u;
  const float lost = -u - (y - 1.0f);  // what rounding took from y
  return -(log_body(y) + lost / y);
}

// Monotonic in the float's value, so that integer maxima (which vectorise) find float maxima.
NACELLE_INLINE std::int32_t order_key(float x) {
  const auto bits = std::bit_cast<std::int32_t>(x);
  return bits ^ static_cast<std::int32_t>(static_cast<std::uint32_t>(bits >> 31) >> 1);
}

NACELLE_INLINE float max_body(const float* row, std::size_t size) {
  std::int32_t best = std::numeric_limits<std::int32_t>::min();
  std::int32_t largest_magnitude = 0;
  for (std::size_t i = 0; i < size; ++i) {
    best = std::max(best, order_key(row[i]));
    largest_magnitude =
        std::max(largest_magnitude, std::bit_cast<std::int32_t>(row[i]) & 0x7fffffff);
  }
  if (size == 0 || largest_magnitude > 0x7f800000) return std::numeric_limits<float>::quiet_NaN();
  return std::bit_cast<float>(
      best ^ static_cast<std::int32_t>(static_cast<std::uint32_t>(best >> 31) >> 1));
}

NACELLE_INLINE std::size_t find_first_body(const float* row, std::size_t size, float value) {
  constexpr std::size_t kStep = 256;
  std::size_t i = 0;
  for (; i + kStep <= size; i += kStep) {
    std::int32_t found = 0;
    for (std::size_t j = 0; j < kStep; ++j) found |= row[i + j] == value ? 1 : 0;
    if (found != 0) break;
  }
  for (; i < size; ++i) {
    if (row[i] == value) return i;
  }
  return size;
}

NACELLE_INLINE std::uint32_t count_greater_body(const float* row, std::size_t size, float value) {
  std::uint32_t count = 0;
  for (std::size_t i = 0; i < size; ++i) count += row[i] > value ? 1u : 0u;
  return count;
}

NACELLE_INLINE void exp_row_body(const float* row, std::size_t size, float max, float scale,
                                 float* out) {
  for (std::size_t i = 0; i < size; ++i) out[i] = exp_body((row[i] - max) * scale);
}

struct DropWeights {
  NACELLE_INLINE void operator()(const float*, std::size_t, std::size_t) const {}
};
struct KeepWeights {
  float* out;
  NACELLE_INLINE void operator()(const float* part, std::size_t begin, std::size_t count) const {
    for (std::size_t i = 0; i < count; ++i) out[begin + i] = part[i];
  }
};

// Weights in pieces of kFold: each is handed to `keep`, then summed pairwise.
template <class Keep>
NACELLE_INLINE double fold_exp_body(const float* row, std::size_t size, float max, float scale,
                                    Keep keep) {
  double total = 0;
  float part[kFold];
  for (std::size_t i = 0; i < size; i += kFold) {
    const std::size_t count = std::min(kFold, size - i);
    if (count == kFold) {
      exp_row_body(row + i, kFold, max, scale, part);
    } else {
      exp_row_body(row + i, count, max, scale, part);
      std::fill(part + count, part + kFold, 0.0f);
    }
    keep(part, i, count);
    for (std::size_t half = kFold / 2; half > 0; half /= 2) {
      for (std::size_t j = 0; j < half; ++j) part[j] += part[j + half];
    }
    total += part[0];
  }
  return total;
}

NACELLE_INLINE std::size_t indices_at_least_body(const float* row, std::size_t size, float value,
                                                 std::uint32_t* out) {
  constexpr std::size_t kStep = 64;
  std::size_t count = 0;
  for (std::size_t i = 0; i < size; i += kStep) {
    const std::size_t end = std::min(i + kStep, size);
    if (end - i == kStep) {
      std::int32_t found = 0;
      for (std::size_t j = 0; j < kStep; ++j) found |= row[i + j] >= value ? 1 : 0;
      if (found == 0) continue;
    }
    for (std::size_t j = i; j < end; ++j) {
      out[count] = static_cast<std::uint32_t>(j);
      count += row[j] >= value ? 1 : 0;
    }
  }
  return count;
}

// The Philox words of one group.
NACELLE_INLINE void group_words(DrawKey key, std::size_t group, std::uint32_t* words) {
  std::uint32_t* c0 = words;
  std::uint32_t* c1 = words + kLanes;
  std::uint32_t* c2 = words + 2 * kLanes;
  std::uint32_t* c3 = words + 3 * kLanes;
  for (std::size_t i = 0; i < kLanes; ++i) {
    c0[i] = static_cast<std::uint32_t>(group * kLanes + i);
    c1[i] = static_cast<std::uint32_t>(key.position);
    c2[i] = static_cast<std::uint32_t>(key.position >> 32);
    c3[i] = 0;
  }
  auto key0 = static_cast<std::uint32_t>(key.seed);
  auto key1 = static_cast<std::uint32_t>(key.seed >> 32);
  for (int round = 0; round < Philox::kRounds; ++round) {
    for (std::size_t i = 0; i < kLanes; ++i) {
      const std::uint64_t product0 = std::uint64_t{Philox::kMultiplier0} * c0[i];
      const std::uint64_t product1 = std::uint64_t{Philox::kMultiplier1} * c2[i];
      const std::uint32_t n0 = static_cast<std::uint32_t>(product1 >> 32) ^ c1[i] ^ key0;
      const std::uint32_t n2 = static_cast<std::uint32_t>(product0 >> 32) ^ c3[i] ^ key1;
      c0[i] = n0;
      c1[i] = static_cast<std::uint32_t>(product1);
      c2[i] = n2;
      c3[i] = static_cast<std::uint32_t>(product0);
    }
    key0 += Philox::kWeyl0;
    key1 += Philox::kWeyl1;
  }
}

NACELLE_INLINE std::size_t race_body(const float* row, std::size_t size, float max, float scale,
                                     DrawKey key) {
  std::uint32_t words[kGroup];
  float scores[kGroup];
  float best = 0;
  std::size_t winner = size;
  for (std::size_t i = 0; i < size; i += kGroup) {
    const std::size_t count = std::min(kGroup, size - i);
    group_words(key, i / kGroup, words);
    if (count == kGroup) {
      exp_row_body(row + i, kGroup, max, scale, scores);
    } else {
      exp_row_body(row + i, count, max, scale, scores);
      std::fill(scores + count, scores + kGroup, 0.0f);
    }
    for (std::size_t j = 0; j < kGroup; ++j) scores[j] /= draw_body(words[j]);
    const float top = max_body(scores, kGroup);
    if (top > best) {
      best = top;
      winner = i + find_first_body(scores, kGroup, top);
    }
  }
  return winner;
}

// One copy of every pass, compiled for `target`.
// clang-format off
#define NACELLE_ROW_OPS(name, target)                                                              \
  namespace name {                                                                                 \
  target float max(const float* row, std::size_t size) { return max_body(row, size); }             \
  target std::size_t find_first(const float* row, std::size_t size, float value) {                 \
    return find_first_body(row, size, value);                                                      \
  }                                                                                                \
  target std::uint32_t count_greater(const float* row, std::size_t size, float value) {            \
    return count_greater_body(row, size, value);                                                   \
  }                                                                                                \
  target double sum_exp(const float* row, std::size_t size, float max, float scale) {              \
    return fold_exp_body(row, size, max, scale, DropWeights{});                                    \
  }                                                                                                \
  target double exp(const float* row, std::size_t size, float max, float scale, float* out) {      \
    return fold_exp_body(row, size, max, scale, KeepWeights{out});                                 \
  }                                                                                                \
  target std::size_t indices_at_least(const float* row, std::size_t size, float value,             \
                                      std::uint32_t* out) {                                        \
    return indices_at_least_body(row, size, value, out);                                           \
  }                                                                                                \
  target std::size_t race(const float* row, std::size_t size, float max, float scale,              \
                          DrawKey key) {                                                           \
    return race_body(row, size, max, scale, key);                                                  \
  }                                                                                                \
  constexpr RowOps kOps{max, find_first, count_greater, sum_exp, exp, indices_at_least, race};     \
  }
// clang-format on

NACELLE_ROW_OPS(plain, )
#if defined(__x86_64__)
NACELLE_ROW_OPS(avx2, __attribute__((target("avx2,bmi2"))))
NACELLE_ROW_OPS(
    avx512,
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,bmi2,prefer-vector-width=512"))))
#endif

}  // namespace

std::vector<const RowOps*> all_row_ops() {
  std::vector<const RowOps*> all{&plain::kOps};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2")) {
    all.push_back(&avx2::kOps);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
      all.push_back(&avx512::kOps);
    }
  }
#endif
  return all;
}

const RowOps& row_ops() {
  static const RowOps* const best = all_row_ops().back();
  return *best;
}

float exponential_draw(DrawKey key, std::uint32_t index) {
  const std::uint32_t within = index % kGroup;
  const auto words = Philox::words(
      {static_cast<std::uint32_t>(index / kGroup * kLanes + within % kLanes),
       static_cast<std::uint32_t>(key.position), static_cast<std::uint32_t>(key.position >> 32), 0},
      {static_cast<std::uint32_t>(key.seed), static_cast<std::uint32_t>(key.seed >> 32)});
  return draw_body(words[within / kLanes]);
}

float row_exp(float x) { return exp_body(x); }

}  // namespace nacelle::engine
