// pipeline.h: runs a profile over candidates: filters, weighted scorers, picker.
//
// Source: router.md section 8: S[e] = sum of clamp(score, 0, 1) * weight, not divided by the
// weights.
#pragma once

#include <vector>

#include "base/result.h"
#include "router/plugin.h"

namespace nacelle::router {

class Pipeline {
 public:
  explicit Pipeline(Profile profile) : profile_(std::move(profile)) {}

  // Sets each remaining candidate's score and returns the index of the one picked.
  // unavailable when no candidate is left after the filters.
  [[nodiscard]] Result<std::size_t> run(const PickContext& context,
                                        std::vector<Candidate>& candidates);

 private:
  Profile profile_;
  std::vector<double> scores_;  // reused between picks
};

}  // namespace nacelle::router
