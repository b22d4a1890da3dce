#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/bench/report.h"

namespace nacelle::cli {
namespace {

std::string milliseconds(double seconds) { return fmt::format("{:.1f}", seconds * 1000); }

std::string distribution_row(const char* name, const Distribution& d) {
  if (d.count == 0) return fmt::format("  {:<16}{:>10}\n", name, "none");
  return fmt::format("  {:<16}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}\n", name, milliseconds(d.mean),
                     milliseconds(d.p50), milliseconds(d.p90), milliseconds(d.p95),
                     milliseconds(d.p99), milliseconds(d.max));
}

nlohmann::ordered_json to_json(const Distribution& d) {
  return {{"count", d.count}, {"mean", d.mean}, {"p50", d.p50}, {"p90", d.p90},
          {"p95", d.p95},     {"p99", d.p99},   {"max", d.max}};
}

}  // namespace

std::string to_table(const BenchReport& report) {
  std::string out = fmt::format("{}  {}{}{}\n", report.target, report.workload,
                                report.policy.empty() ? "" : "  ", report.policy);
  for (const StageSummary& stage : report.stages) {
    out += fmt::format("\n{}: {} requests, {} failed, {:.1f} s\n", stage.name, stage.requests,
                       stage.errors, stage.duration_s);
    for (const auto& [kind, count] : stage.errors_by_kind)
      out += fmt::format("  failed: {} x {}\n", count, kind);
    out += fmt::format(
        "  output {:.1f} tok/s   total {:.1f} tok/s   {:.2f} requests/s   prefix hits {:.1f} %\n",
        stage.output_tokens_per_s, stage.total_tokens_per_s, stage.requests_per_s,
        stage.hit_rate * 100);
    out += fmt::format("  {:<16}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}\n", "milliseconds", "mean",
                       "p50", "p90", "p95", "p99", "max");
    out += distribution_row("TTFT", stage.ttft);
    out += distribution_row("TPOT", stage.tpot);
    out += distribution_row("ITL", stage.itl);
    out += distribution_row("E2E", stage.e2e);
    if (stage.schedule_delay.max > 0.001)
      out += distribution_row("schedule delay", stage.schedule_delay);
  }
  return out;
}

std::string to_json(const BenchReport& report) {
  nlohmann::ordered_json json = {{"target", report.target},
                                 {"workload", report.workload},
                                 {"label", report.policy},
                                 {"seed", report.seed},
                                 {"stages", nlohmann::ordered_json::array()}};
  for (const StageSummary& stage : report.stages) {
    nlohmann::ordered_json errors = nlohmann::ordered_json::object();
    for (const auto& [kind, count] : stage.errors_by_kind) errors[kind] = count;
    json["stages"].push_back({{"name", stage.name},
                              {"duration_s", stage.duration_s},
                              {"requests", stage.requests},
                              {"errors", stage.errors},
                              {"errors_by_kind", errors},
                              {"prompt_tokens", stage.prompt_tokens},
                              {"output_tokens", stage.output_tokens},
                              {"cached_tokens", stage.cached_tokens},
                              {"hit_rate", stage.hit_rate},
                              {"output_tokens_per_s", stage.output_tokens_per_s},
                              {"total_tokens_per_s", stage.total_tokens_per_s},
                              {"requests_per_s", stage.requests_per_s},
                              {"ttft_s", to_json(stage.ttft)},
                              {"tpot_s", to_json(stage.tpot)},
                              {"itl_s", to_json(stage.itl)},
                              {"e2e_s", to_json(stage.e2e)},
                              {"schedule_delay_s", to_json(stage.schedule_delay)}});
  }
  return json.dump(2) + "\n";
}

}  // namespace nacelle::cli
