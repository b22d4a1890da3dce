// report.h: the outcome of a load test as a table for the terminal, JSON for machines, SVG for
// people.
#pragma once

#include <string>
#include <vector>

#include "cli/bench/measurement.h"

namespace nacelle::cli {

struct BenchReport {
  std::string target, workload, policy;  // policy: free text of --label
  std::uint64_t seed = 0;
  std::vector<StageSummary> stages;
};

[[nodiscard]] std::string to_table(const BenchReport& report);
[[nodiscard]] std::string to_json(const BenchReport& report);

// Two panels over the stages: output tokens/s, and TTFT (mean, p50, p99).
[[nodiscard]] std::string to_svg(const BenchReport& report);

}  // namespace nacelle::cli
