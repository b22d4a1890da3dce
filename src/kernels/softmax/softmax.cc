#include "kernels/softmax/softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "kernels/softmax/softmax_isa.h"

namespace nacelle::kernels {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

const SoftmaxKernels& kernels(Isa isa) {
  if (isa == Isa::kPortable) return *softmax_portable();
#if defined(__x86_64__)
  if (isa == Isa::kAvx2) return *softmax_avx2();
  if (isa >= Isa::kAvx512) return *softmax_avx512();
#endif
  (void)isa;
  return *softmax_reference();
}

// Larger value first, then lower index.
bool before(const IndexedValue& left, const IndexedValue& right) {
  return left.value != right.value ? left.value > right.value : left.index < right.index;
}

}  // namespace

RowStats row_stats(Isa isa, std::span<const float> row) {
  const SoftmaxKernels& run = kernels(isa);
  RowStats stats;
  stats.max = run.max(row.data(), row.size());
  if (stats.max == kInfinity) {
    stats.log_sum_exp = kInfinity;
    return stats;
  }
  if (stats.max == -kInfinity) {  // only -inf, or NaN among them
    const bool any_nan = std::any_of(row.begin(), row.end(), [](float x) { return std::isnan(x); });
    stats.log_sum_exp = any_nan ? std::numeric_limits<float>::quiet_NaN() : -kInfinity;
    return stats;
  }
  stats.log_sum_exp = stats.max + std::log(run.sum_exp(row.data(), row.size(), stats.max));
  return stats;
}

std::uint32_t argmax(Isa isa, std::span<const float> row) {
  CHECK(!row.empty());
  const SoftmaxKernels& run = kernels(isa);
  const float best = run.max(row.data(), row.size());
  if (best == -kInfinity) return 0;
  return static_cast<std::uint32_t>(run.find(row.data(), row.size(), best));
}

std::vector<IndexedValue> top_k(Isa isa, std::span<const float> row, std::size_t count) {
  (void)isa;
  count = std::min(count, row.size());
  std::vector<IndexedValue> best;
  if (count == 0) return best;
  // A heap of the best so far with the worst of them in front; most elements fail one comparison.
  best.reserve(count + 1);
  for (std::size_t i = 0; i < row.size(); ++i) {
    const float value = std::isnan(row[i]) ? -kInfinity : row[i];
    const IndexedValue candidate{static_cast<std::uint32_t>(i), value};
    if (best.size() < count) {
      best.push_back(candidate);
      std::push_heap(best.begin(), best.end(), before);
    } else if (before(candidate, best.front())) {
      std::pop_heap(best.begin(), best.end(), before);
      best.back() = candidate;
      std::push_heap(best.begin(), best.end(), before);
    }
  }
  std::sort_heap(best.begin(), best.end(), before);
  return best;
}

}  // namespace nacelle::kernels
