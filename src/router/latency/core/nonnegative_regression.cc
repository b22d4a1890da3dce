#include "router/latency/core/nonnegative_regression.h"

#include <algorithm>

namespace nacelle::router::latency {

void NonNegativeRegression::add(const Row& x, double y, double weight, double forget) {
  for (std::size_t i = 0; i < kTerms; ++i) {
    const double wx = weight * x[i];
    for (std::size_t j = 0; j < kTerms; ++j) a_[i][j] = forget * a_[i][j] + wx * x[j];
    b_[i] = forget * b_[i] + wx * y;
  }
}

void NonNegativeRegression::improve(double ridge, int sweeps) {
  for (int sweep = 0; sweep < sweeps; ++sweep) {
    for (std::size_t j = 0; j < kTerms; ++j) {
      const double curvature = a_[j][j] + ridge;
      if (!(curvature > 0)) continue;  // a term never seen
      const double gradient = b_[j] - ridge * theta_[j] - dot(a_[j], theta_);
      theta_[j] = std::max(0.0, theta_[j] + gradient / curvature);
    }
  }
}

}  // namespace nacelle::router::latency
