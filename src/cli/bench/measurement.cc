#include "cli/bench/measurement.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

namespace nacelle::cli {

Distribution distribution_of(std::vector<double> values) {
  Distribution out;
  out.count = values.size();
  if (values.empty()) return out;
  std::sort(values.begin(), values.end());
  const auto percentile = [&](double share) {
    const double at = share * static_cast<double>(values.size() - 1);
    const auto low = static_cast<std::size_t>(std::floor(at));
    const std::size_t high = std::min(low + 1, values.size() - 1);
    return values[low] + (values[high] - values[low]) * (at - static_cast<double>(low));
  };
  out.mean =
      std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  out.p50 = percentile(0.50);
  out.p90 = percentile(0.90);
  out.p95 = percentile(0.95);
  out.p99 = percentile(0.99);
  out.max = values.back();
  return out;
}

StageSummary summarise(std::string name, const std::vector<Measurement>& measurements) {
  StageSummary summary;
  summary.name = std::move(name);
  summary.requests = measurements.size();
  std::map<std::string, std::size_t> errors;
  std::vector<double> ttft, tpot, itl, e2e, delay;
  double first = 0, last = 0;
  for (const Measurement& m : measurements) {
    if (&m == measurements.data() || m.sent_s < first) first = m.sent_s;
    last = std::max(last, m.sent_s + m.e2e_s);
    delay.push_back(m.schedule_delay_s);
    if (!m.ok) {
      ++errors[m.error];
      ++summary.errors;
      continue;
    }
    summary.prompt_tokens += m.prompt_tokens;
    summary.output_tokens += m.output_tokens;
    summary.cached_tokens += m.cached_tokens;
    ttft.push_back(m.ttft_s);
    e2e.push_back(m.e2e_s);
    if (m.output_tokens > 1) {
      tpot.push_back((m.e2e_s - m.ttft_s) / static_cast<double>(m.output_tokens - 1));
    }
    itl.insert(itl.end(), m.itl_s.begin(), m.itl_s.end());
  }
  summary.errors_by_kind.assign(errors.begin(), errors.end());
  summary.duration_s = last - first;
  if (summary.duration_s > 0) {
    summary.output_tokens_per_s = static_cast<double>(summary.output_tokens) / summary.duration_s;
    summary.total_tokens_per_s =
        static_cast<double>(summary.output_tokens + summary.prompt_tokens) / summary.duration_s;
    summary.requests_per_s =
        static_cast<double>(summary.requests - summary.errors) / summary.duration_s;
  }
  if (summary.prompt_tokens > 0) {
    summary.hit_rate =
        static_cast<double>(summary.cached_tokens) / static_cast<double>(summary.prompt_tokens);
  }
  summary.ttft = distribution_of(std::move(ttft));
  summary.tpot = distribution_of(std::move(tpot));
  summary.itl = distribution_of(std::move(itl));
  summary.e2e = distribution_of(std::move(e2e));
  summary.schedule_delay = distribution_of(std::move(delay));
  return summary;
}

}  // namespace nacelle::cli
