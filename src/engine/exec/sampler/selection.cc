#include "engine/exec/sampler/selection.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>

#include "engine/exec/sampler/row_ops.h"

namespace nacelle::engine {
namespace {

constexpr std::size_t kStep = 1024;  // elements looked at between two decisions to skip
constexpr int kShift = 16;           // sign, exponent and seven bits of the fraction are left

constexpr std::uint32_t bucket_of(float weight) {
  return std::bit_cast<std::uint32_t>(weight) >> kShift;
}
constexpr std::size_t kNumBuckets = bucket_of(1.0f) + 1;

}  // namespace

void Selector::reserve(std::size_t row_size) {
  indices_.reserve(std::max(row_size, kStep));
  values_.reserve(row_size);
  mass_.reserve(kNumBuckets);
  on_border_.reserve(row_size);
}

float Selector::kth_largest(std::span<const float> row, std::size_t k) {
  const RowOps& ops = row_ops();
  const std::size_t capacity = 2 * k + 2 * kStep;  // shrinks to k whenever it is reached
  indices_.resize(std::max(indices_.size(), kStep));
  values_.clear();
  const auto shrink = [&] {
    const auto kth = values_.begin() + static_cast<std::ptrdiff_t>(k - 1);
    std::ranges::nth_element(values_, kth, std::greater<>());
    return *kth;
  };

  // Elements up to `floor` cannot change the k-th largest any more.
  float floor = -std::numeric_limits<float>::infinity();
  for (std::size_t i = 0; i < row.size(); i += kStep) {
    const std::size_t size = std::min(kStep, row.size() - i);
    const float above = std::nextafter(floor, std::numeric_limits<float>::infinity());
    const std::size_t found = ops.indices_at_least(row.data() + i, size, above, indices_.data());
    for (std::size_t j = 0; j < found; ++j) values_.push_back(row[i + indices_[j]]);
    if (values_.size() + kStep > capacity || (i == 0 && values_.size() > k)) {
      floor = shrink();
      values_.resize(k);
    }
  }
  return values_.size() < k ? -std::numeric_limits<float>::infinity() : shrink();
}

void Selector::at_least(std::span<const float> row, float value, std::vector<Candidate>& out) {
  indices_.resize(std::max(indices_.size(), row.size()));
  const std::size_t count =
      row_ops().indices_at_least(row.data(), row.size(), value, indices_.data());
  out.resize(count);
  for (std::size_t i = 0; i < count; ++i) out[i] = {indices_[i], row[indices_[i]]};
}

void Selector::largest(std::span<const float> row, std::size_t k, std::vector<Candidate>& out) {
  k = std::min(k, row.size());
  if (k == 0) {
    out.clear();
    return;
  }
  const float floor =
      k < row.size() ? kth_largest(row, k) : -std::numeric_limits<float>::infinity();
  at_least(row, floor, out);
  std::ranges::sort(out, comes_before);
  out.resize(std::min(out.size(), k));
}

// Keeps what certainly stays and leaves in on_border_ what has to be looked at one by one. Returns
// the weight of what stays. Weights are put in buckets by the leading bits of their floats, which
// ascend with the weight; the border runs through one bucket.
double Selector::keep_above_border(std::vector<Candidate>& candidates, double target) {
  mass_.assign(kNumBuckets, 0.0);
  for (const Candidate& candidate : candidates)
    mass_[bucket_of(candidate.value)] += candidate.value;

  double before = 0;
  std::size_t border = mass_.size() - 1;
  while (border > 0 && before + mass_[border] < target) before += mass_[border--];

  std::size_t kept = 0;
  on_border_.clear();
  for (const Candidate& candidate : candidates) {
    const std::size_t bucket = bucket_of(candidate.value);
    candidates[kept] = candidate;
    kept += bucket > border ? 1 : 0;
    if (bucket == border) on_border_.push_back(candidate);
  }
  candidates.resize(kept);
  return before;
}

void Selector::keep_nucleus(std::vector<Candidate>& candidates, double target) {
  constexpr std::size_t kSmall = 512;  // sorting these is faster than clearing the buckets
  double before = 0;
  if (candidates.size() <= kSmall) {
    on_border_.swap(candidates);
    candidates.clear();
  } else {
    before = keep_above_border(candidates, target);
  }
  // Many equal or almost equal weights (a flat row) leave a wide border: halve it, do not sort it.
  while (on_border_.size() > kSmall) {
    const auto half = on_border_.begin() + static_cast<std::ptrdiff_t>(on_border_.size() / 2);
    std::ranges::nth_element(on_border_, half, comes_before);
    double weight = 0;
    for (auto it = on_border_.begin(); it != half; ++it) weight += it->value;
    if (before + weight >= target) {
      on_border_.erase(half, on_border_.end());
    } else {
      candidates.insert(candidates.end(), on_border_.begin(), half);
      on_border_.erase(on_border_.begin(), half);
      before += weight;
    }
  }
  std::ranges::sort(on_border_, comes_before);
  for (const Candidate& candidate : on_border_) {
    if (!candidates.empty() && before >= target) break;
    candidates.push_back(candidate);
    before += candidate.value;
  }
}

}  // namespace nacelle::engine
