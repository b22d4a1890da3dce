// dummy_weights.cc: a WeightStore that makes tensors up (`--load-format dummy`).
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "base/check.h"
#include "model/weights.h"
#include "tensor/half.h"

namespace nacelle::model {
namespace {

constexpr std::size_t kPerDraw = 4;       // values per random 64-bit word
constexpr std::size_t kGrain = 1u << 16;  // words of one task at least

// SplitMix64 (Steele, Lea and Flood, 2014) as a function of a counter: any part can be made alone.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

std::uint64_t hash_name(std::string_view name) {  // FNV-1a
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : name) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3u;
  return hash;
}

// value = center + scale * u, u uniform in [-1, 1).
struct Distribution {
  float center = 0.0F;
  float scale = 1.0F;
};

Distribution distribution_of(std::string_view name, const Shape& shape) {
  if (name.ends_with("norm.weight")) return {1.0F, 0.1F};
  if (name.ends_with(".bias")) return {0.0F, 0.05F};
  if (name.ends_with("embed_tokens.weight")) return {0.0F, 1.0F};
  // Variance 1 / fan-in.
  const std::size_t fan_in = shape.rank() == 2 ? shape[1] : 1;
  return {0.0F, std::sqrt(3.0F / static_cast<float>(fan_in))};
}

// Four values of word `index`; 16 bits each are plenty for made-up weights.
template <class T>
void draw(std::uint64_t key, std::size_t index, Distribution how, std::array<T, kPerDraw>& out) {
  const std::uint64_t bits = mix(key + index);
  for (std::size_t i = 0; i < kPerDraw; ++i) {
    const auto part = static_cast<std::int16_t>(static_cast<std::uint16_t>(bits >> (16 * i)));
    out[i] = T(how.center + how.scale * (static_cast<float>(part) * (1.0F / 32768.0F)));
  }
}

template <class T>
void fill(kernels::WorkerPool& pool, std::uint64_t key, Distribution how, std::span<T> out) {
  const std::size_t words = out.size() / kPerDraw;
  pool.run_ranges(words, kGrain, [&](std::size_t begin, std::size_t end) {
    std::array<T, kPerDraw> values;
    for (std::size_t word = begin; word < end; ++word) {
      draw(key, word, how, values);
      std::copy(values.begin(), values.end(),
                out.begin() + static_cast<std::ptrdiff_t>(word * kPerDraw));
    }
  });
  if (out.size() % kPerDraw != 0) {
    std::array<T, kPerDraw> values;
    draw(key, words, how, values);
    std::copy_n(values.begin(), out.size() % kPerDraw,
                out.begin() + static_cast<std::ptrdiff_t>(words * kPerDraw));
  }
}

class DummyWeights : public WeightStore {
 public:
  DummyWeights(std::uint64_t seed, kernels::WorkerPool& pool) : seed_(mix(seed)), pool_(pool) {}

  Result<Weight> fetch(std::string_view name, const Shape& shape, DType dtype) override {
    const std::size_t count = shape.num_elements();
    ASSIGN_OR_RETURN(Buffer buffer, staging(count * size_of(dtype)));
    const std::uint64_t key = mix(seed_ ^ hash_name(name));
    const Distribution how = distribution_of(name, shape);
    switch (dtype) {
      case DType::kF32:
        fill(pool_, key, how, buffer.as<float>().first(count));
        break;
      case DType::kBF16:
        fill(pool_, key, how, buffer.as<BFloat16>().first(count));
        break;
      case DType::kF16:
        fill(pool_, key, how, buffer.as<Float16>().first(count));
        break;
      default:
        return unimplemented("dummy weights of dtype {}, accepted: float32, bfloat16, float16",
                             to_string(dtype));
    }
    const TensorView view(buffer.data(), dtype, shape);
    return Weight(view, std::move(buffer));
  }

  Result<Weight> fetch_stored(std::string_view name) override {
    return unimplemented("tensor {} is made up and has no stored form", name);
  }
  std::string place_of(std::string_view) const override { return "dummy weights"; }
  bool is_made_up() const override { return true; }
  std::optional<DType> stored_dtype(std::string_view) const override { return std::nullopt; }
  std::size_t num_unused() const override { return 0; }

 private:
  std::uint64_t seed_;
  kernels::WorkerPool& pool_;
};

}  // namespace

std::unique_ptr<WeightStore> WeightStore::dummy(std::uint64_t seed, kernels::WorkerPool& pool) {
  return std::make_unique<DummyWeights>(seed, pool);
}

}  // namespace nacelle::model
