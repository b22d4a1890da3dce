// measurement.h: what one request of a load test took, and the figures of a whole stage.
//
// TTFT = first non-empty token received - request sent; TPOT = (E2E - TTFT) / (output tokens - 1);
// ITL = gaps between chunks that carry text; percentiles interpolate linearly as numpy does.
// Source: scaling-and-benchmarks.md section 13.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace nacelle::cli {

struct Measurement {
  bool ok = false;
  std::string error;  // of a closed set: "HTTP 503", "connect", "broke off", "timeout", ...
  double sent_s = 0;  // since the stage began
  double schedule_delay_s = 0;  // sent - planned, open loop only
  double ttft_s = 0, e2e_s = 0;
  std::vector<double> itl_s;
  std::uint64_t prompt_tokens = 0, output_tokens = 0, cached_tokens = 0;
};

struct Distribution {
  double mean = 0, p50 = 0, p90 = 0, p95 = 0, p99 = 0, max = 0;
  std::size_t count = 0;
};

[[nodiscard]] Distribution distribution_of(std::vector<double> values);

struct StageSummary {
  std::string name;       // "concurrency 8", "rate 5/s"
  double duration_s = 0;  // first request sent to last answer complete
  std::size_t requests = 0, errors = 0;
  std::vector<std::pair<std::string, std::size_t>> errors_by_kind;
  std::uint64_t prompt_tokens = 0, output_tokens = 0, cached_tokens = 0;
  double output_tokens_per_s = 0, total_tokens_per_s = 0, requests_per_s = 0;
  double hit_rate = 0;  // cached prompt tokens / prompt tokens, as the server reports it
  Distribution ttft, tpot, itl, e2e, schedule_delay;
};

[[nodiscard]] StageSummary summarise(std::string name,
                                     const std::vector<Measurement>& measurements);

}  // namespace nacelle::cli
