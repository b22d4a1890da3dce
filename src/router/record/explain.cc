#include "router/record/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace nacelle::router {
namespace {

using Row = std::vector<std::string>;

// Columns as wide as their widest cell; all but the first to the right.
void append_table(const std::vector<Row>& rows, std::string& out) {
  std::vector<std::size_t> width;
  for (const Row& row : rows) {
    width.resize(std::max(width.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) width[i] = std::max(width[i], row[i].size());
  }
  for (const Row& row : rows) {
    out += "  ";
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i == 0) {
        out += fmt::format("{:<{}}", row[i], width[i]);
      } else {
        out += fmt::format("  {:>{}}", row[i], width[i]);
      }
    }
    while (out.ends_with(' ')) out.pop_back();
    out += '\n';
  }
}

std::string label_of(const DecisionInput& input, std::uint32_t position) {
  const EndpointSnapshot& endpoint = input.pool->endpoint(position);
  return endpoint.name.empty() || endpoint.name == endpoint.address
             ? endpoint.address
             : fmt::format("{} ({})", endpoint.name, endpoint.address);
}

std::string matches_of(const DecisionInput& input, std::uint32_t position) {
  std::string out;
  for (const PrefixColumn& prefix : input.prefix) {
    if (!out.empty()) out += ' ';
    out += fmt::format("{}/{}", prefix.matched.empty() ? 0 : prefix.matched[position],
                       prefix.total_blocks);
  }
  return out.empty() ? "-" : out;
}

void append_inputs(const DecisionInput& input, const DecisionTrace& trace, std::string& out) {
  std::vector<Row> rows = {
      {"endpoint", "waiting", "running", "KV use", "age ms", "requests", "tokens", "matched"}};
  for (const std::uint32_t position : trace.screened) {
    const PoolView& pool = *input.pool;
    const bool known = pool.updated[position] != TimePoint::min();
    const auto gauge = [&](double value) { return known ? fmt::format("{:g}", value) : "-"; };
    rows.push_back(
        {label_of(input, position), gauge(pool.waiting[position]), gauge(pool.running[position]),
         gauge(pool.kv_usage[position]),
         known ? fmt::format("{:.0f}", to_seconds(input.now - pool.updated[position]) * 1000) : "-",
         fmt::format("{}", input.load_requests[position]),
         fmt::format("{}", input.load_tokens[position]), matches_of(input, position)});
  }
  append_table(rows, out);
}

void append_run(const DecisionInput& input, const ProfileResult* result,
                const DecisionTrace::ProfileRun& run, std::string& out) {
  out += fmt::format("profile {}\n", run.name);
  for (const auto& filter : run.filters) {
    out += fmt::format("  filter {}: keeps {}\n", filter.name, filter.kept.size());
  }
  if (run.candidates.empty()) {
    out += "  no endpoint is left\n";
    return;
  }
  Row head = {"endpoint"};
  for (const auto& scorer : run.scorers) {
    head.push_back(fmt::format("{} x{:g}", scorer.name, scorer.weight));
  }
  head.insert(head.end(), {"total", ""});
  std::vector<std::size_t> order(run.candidates.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return run.totals[a] > run.totals[b]; });
  std::vector<Row> rows = {head};
  for (const std::size_t i : order) {
    Row row = {label_of(input, run.candidates[i])};
    for (const auto& scorer : run.scorers) row.push_back(fmt::format("{:.4f}", scorer.scores[i]));
    row.push_back(fmt::format("{:.4f}", run.totals[i]));
    std::string mark;
    for (std::size_t t = 0; result != nullptr && t < result->targets.size(); ++t) {
      if (result->targets[t].position == run.candidates[i]) {
        mark = t == 0 ? "<- picked" : fmt::format("<- fallback {}", t);
      }
    }
    row.push_back(mark);
    rows.push_back(std::move(row));
  }
  append_table(rows, out);
  out += fmt::format("  picker {}\n", run.picker);
}

}  // namespace

std::string explain(std::uint64_t number, const Schedule& schedule, const DecisionInput& input,
                    const Decision& decision, const DecisionTrace& trace) {
  const RoutingRequest& request = input.request;
  std::string out = fmt::format(
      "decision {}: model '{}', {} prompt tokens, priority {}, seed {}\n{} endpoints in the pool, "
      "{} considered\n",
      number, request.model, request.prompt_tokens, request.priority, request.random,
      input.pool->size(), trace.screened.size());
  append_inputs(input, trace, out);
  for (const DecisionTrace::ProfileRun& run : trace.runs) {
    const ProfileResult* result = nullptr;
    for (std::size_t i = 0; i < schedule.profiles.size(); ++i) {
      if (schedule.profiles[i].name == run.name) result = &decision.results[i];
    }
    append_run(input, result, run, out);
  }
  if (!decision.ok()) {
    out += fmt::format("refused: HTTP {}, {}{}{}\n", decision.refusal.http_status,
                       decision.refusal.status.message(),
                       decision.refusal.reason.empty() ? "" : ", reason ", decision.refusal.reason);
    return out;
  }
  out += fmt::format("-> {}\n", label_of(input, decision.targets().front().position));
  for (const HeaderValue& header : decision.set_headers) {
    out += fmt::format("   request header {}: {}\n", header.name, header.value);
  }
  for (const HeaderValue& header : decision.response_headers) {
    out += fmt::format("   response header {}: {}\n", header.name, header.value);
  }
  return out;
}

}  // namespace nacelle::router
