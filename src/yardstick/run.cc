#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include "yardstick/attention_share.h"
#include "yardstick/bars.h"
#include "yardstick/case.h"
#include "yardstick/limits.h"
#include "yardstick/timing.h"
#include "yardstick/yardstick.h"

namespace nacelle::yardstick {
namespace {

constexpr std::uint32_t kLongPrompt = 16384;
constexpr const char* kLimitsName = "limits of the machine";
constexpr const char* kShareName = "attention share at 16384 tokens";

struct Pace {
  double limit_s;    // of each roof at the start
  double refresh_s;  // of each roof at the end
  double beside_s;   // of each roof between a row's calls
  double case_s;
};

Pace pace_of(Effort effort) {
  return effort == Effort::kQuick ? Pace{0.25, 0.02, 4e-3, 0.15} : Pace{1.0, 0.03, 4e-3, 0.3};
}

bool wanted(const Config& config, std::string_view name) {
  return name.find(config.only) != std::string_view::npos;
}

std::vector<Group> groups_of(const Config& config) {
  std::vector<Group> groups;
  for (auto* make : {gemm_groups, attention_groups, row_groups, model_groups}) {
    for (Group& group : make(config)) {
      if (wanted(config, group.name)) groups.push_back(std::move(group));
    }
  }
  return groups;
}

bool wants_share(const Config& config) {
  return config.effort == Effort::kFull && wanted(config, kShareName);
}

std::string machine_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown CPU";
}

std::vector<std::string> notes() {
  return {
      "operations: a multiply and an add are two; bytes: each input and output once",
      "gemm [m, k] x [k, n]: 2 m k n;  weight + 2 m k + 4 m n bytes",
      "attention: 4 heads head_dim (keys seen by each query);  K and V (shared ones once), q and "
      "out",
      "rows: 1 to 5 operations a value;  inputs and outputs of f32 or bf16",
      "model: 2 tokens (layer weights) + 2 hidden vocab for each row of logits + attention; the "
      "last "
      "layer counts o, gate, up, down and attention for rows of logits only",
      "model bytes: weights and LM head (int8 in an int4 model) once + K and V of the context",
      "limit of a row: the lower of its registers' rate and (operations / bytes) x read rate, "
      "measured between the row's calls",
  };
}

// Measures one group's rows and appends them to the report.
Status run_group(Group& group, Lab& lab, const Pace& pace, LimitMeter& meter, Report& report,
                 const std::function<void(const Row&)>& before) {
  ASSIGN_OR_RETURN(std::vector<Contest> contests, group.prepare(lab));
  CHECK(contests.size() == group.rows.size());
  for (std::size_t i = 0; i < contests.size(); ++i) {
    Row row = std::move(group.rows[i]);
    before(row);
    Call peer;
    if (contests[i].make_peer) {
      // A product that the peer cannot do on this machine leaves its side of the row empty.
      if (Result<Call> made = contests[i].make_peer(); made.ok()) peer = *std::move(made);
    }
    const auto limits = [&](double best_s) {
      row.moments.push_back({best_s, meter.refresh(row.roof, pace.beside_s)});
    };
    const Compared compared =
        compare(lab.pool, contests[i].ours, peer, {pace.case_s, group.min_calls}, limits);
    row.ours = compared.ours;
    row.peer = compared.peer;
    contests[i] = {};
    report.rows.push_back(std::move(row));
  }
  return {};
}

}  // namespace

std::vector<std::string> group_names(const Config& config) {
  std::vector<std::string> names;
  for (const Group& group : groups_of(config)) names.push_back(group.name);
  if (wants_share(config)) names.push_back(kShareName);
  return names;
}

Result<Report> run(const Config& config, const Progress& progress) {
  std::vector<Group> groups = groups_of(config);
  if (groups.empty() && !wants_share(config)) {
    return invalid_argument("no group's name contains '{}'", config.only);
  }
  std::size_t total = 1 + (wants_share(config) ? 1 : 0);
  for (const Group& group : groups) total += group.rows.size();
  std::size_t done = 0;
  const auto tell = [&](std::string_view next) {
    if (progress) progress(done, total, next);
    ++done;
  };
  const Pace pace = pace_of(config.effort);
  kernels::WorkerPool pool(config.threads);
  Report report{.machine = machine_name(),
                .threads = pool.num_threads(),
                .isa = std::string(to_string(config.isa)),
                .peer = "oneDNN: not asked for",
                .notes = notes()};
  std::unique_ptr<OneDnn> onednn;
  if (config.onednn) {
    Result<std::unique_ptr<OneDnn>> opened = OneDnn::open(pool.num_threads());
    report.peer = opened.ok() ? (*opened)->name() : std::string(opened.error().message());
    if (opened.ok()) onednn = std::move(*opened);
  }
  tell(kLimitsName);
  ASSIGN_OR_RETURN(LimitMeter meter, LimitMeter::make(pool));
  meter.measure_all(pace.limit_s);

  Lab lab{pool, config.isa, onednn.get()};
  for (Group& group : groups) {
    RETURN_IF_ERROR(run_group(group, lab, pace, meter, report, [&](const Row& row) {
      tell(row.column.empty() ? fmt::format("{}: {}", row.section, row.name)
                              : fmt::format("{}: {}, {}", row.section, row.name, row.column));
    }));
    group = {};  // gives its memory back
  }
  if (wants_share(config)) {
    tell(kShareName);
    ASSIGN_OR_RETURN(Ratio share, attention_share(lab, kLongPrompt, 2));
    report.ratios.push_back(std::move(share));
  }
  for (Ratio& ratio : int8_over_bf16(report.rows, config.isa)) {
    report.ratios.push_back(std::move(ratio));
  }
  meter.measure_all(pace.refresh_s);
  report.limits = meter.limits();
  if (progress) progress(total, total, "");
  return report;
}

}  // namespace nacelle::yardstick
