// decision_trace.h: how a decision came about, for people.
//
// Home:    a value, filled by decide() when it is asked for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace nacelle::router {

struct DecisionTrace {
  struct FilterResult {
    std::string name;
    std::vector<std::uint32_t> kept;  // positions
  };
  struct ScorerResult {
    std::string name;
    double weight = 1;
    std::vector<double> scores;  // of the profile's candidates, clamped
  };
  struct ProfileRun {
    std::string name;
    std::vector<FilterResult> filters;
    std::vector<std::uint32_t> candidates;  // that were scored
    std::vector<ScorerResult> scorers;
    std::vector<double> totals;
    std::string picker;
  };
  std::vector<std::uint32_t> screened;  // what screening and the subset hint left
  std::vector<ProfileRun> runs;         // in the order they ran
};

}  // namespace nacelle::router
