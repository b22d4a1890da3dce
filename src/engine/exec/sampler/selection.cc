#include "engine/exec/sampler/selection.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "engine/exec/sampler/row_ops.h"

namespace nacelle::engine {

float Selector::kth_largest(std::span<const float> row, std::size_t k) {
  constexpr std::size_t kStep = 1024;
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

void keep_nucleus(std::vector<Candidate>& candidates, double target) {
  // Invariant: what is before `begin` stays and weighs `before`; what is from `end` on goes.
  std::size_t begin = 0, end = candidates.size();
  double before = 0;
  const auto at = [&](std::size_t i) {
    return candidates.begin() + static_cast<std::ptrdiff_t>(i);
  };
  while (end - begin > 32) {
    const std::size_t middle = begin + (end - begin) / 2;
    std::nth_element(at(begin), at(middle), at(end), comes_before);
    double upper = 0;
    for (std::size_t i = begin; i < middle; ++i) upper += candidates[i].value;
    if (before + upper < target) {
      before += upper;
      begin = middle;
    } else {
      end = middle;
    }
  }
  std::sort(at(begin), at(end), comes_before);
  while (begin < end && (begin == 0 || before < target)) before += candidates[begin++].value;
  candidates.resize(begin);
}

}  // namespace nacelle::engine
