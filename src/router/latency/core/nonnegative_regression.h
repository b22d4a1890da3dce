// nonnegative_regression.h: online least squares whose coefficients stay at least 0.
//
// Keeps the normal equations A = sum w x x', b = sum w x y with exponential forgetting, and after
// every sample improves the last solution by sweeps of projected coordinate descent:
//   theta_j <- max(0, theta_j + (b_j - (A theta)_j - r theta_j) / (A_jj + r))
//
// Why not plain recursive least squares: its inverse covariance winds up where inputs do not vary
// (an idle pool) and loses definiteness in rounding; nothing is inverted here. Why not negative:
// more load never makes an answer faster, so a router that trusts a negative coefficient, learned
// from a correlation, sends load to the fullest endpoint. With non-negative terms a prediction
// cannot be negative either, also far from the data.
//
// Cost:    O(d^2) per sample and no allocation; memory d^2 + 2d numbers.
// Home:    not thread-safe.
// Source:  Lawson and Hanson, "Solving Least Squares Problems" (1974), chapter 23; coordinate
//          descent as in Franc, Hlavac and Navara (2005).
#pragma once

#include <array>
#include <cstddef>

#include "router/latency/core/feature_rows.h"

namespace nacelle::router::latency {

// Four sums at once: one chain of twelve additions would wait for each of them.
[[nodiscard]] inline double dot(const Row& a, const Row& b) {
  static_assert(kTerms % 4 == 0);
  std::array<double, 4> sums{};
  for (std::size_t j = 0; j < kTerms; j += 4) {
    for (std::size_t lane = 0; lane < 4; ++lane) sums[lane] += a[j + lane] * b[j + lane];
  }
  return (sums[0] + sums[2]) + (sums[1] + sums[3]);
}

class NonNegativeRegression {
 public:
  // Adds one sample after scaling what was there by `forget` (1 keeps all).
  void add(const Row& x, double y, double weight, double forget);

  // Sweeps towards the minimum; `ridge` pulls coefficients without evidence to 0.
  void improve(double ridge, int sweeps);

  [[nodiscard]] double predict(const Row& x) const { return dot(theta_, x); }
  [[nodiscard]] const Row& theta() const { return theta_; }

 private:
  std::array<Row, kTerms> a_{};
  Row b_{};
  Row theta_{};
};

}  // namespace nacelle::router::latency
