#include "router/record/replay.h"

#include "router/config/router_setup.h"
#include "router/core/decide.h"
#include "router/record/explain.h"
#include "router/record/record_text.h"

namespace nacelle::router {
namespace {

constexpr std::size_t kMaxLineBytes = std::size_t{64} << 20;

class Replayer {
 public:
  Replayer(const ReplayOptions& options, ReplayReport& report)
      : options_(options), report_(report) {}

  Status line(std::string_view text) {
    ASSIGN_OR_RETURN(RecordLine line, parse_record_line(text, pool_));
    switch (line.kind) {
      case RecordLine::Kind::kConfig:
        return configure(line.config_text);
      case RecordLine::Kind::kPool:
        view_ = std::make_shared<const PoolView>(std::make_shared<const PoolSnapshot>(pool_));
        return {};
      case RecordLine::Kind::kLost:
        report_.lost += line.number;
        return {};
      case RecordLine::Kind::kPick:
        return pick(line);
    }
    return {};
  }

 private:
  Status configure(const std::string& recorded) {
    const bool other = !options_.config_text.empty();
    // What was recorded was allowed to run.
    ASSIGN_OR_RETURN(RouterSetup setup,
                     load_router_setup(other ? options_.config_text : recorded,
                                       other ? options_.config_file : "recorded configuration",
                                       {.allow_experimental_plugins = true}));
    schedule_.emplace(std::move(setup.schedule));
    return {};
  }

  Status pick(RecordLine& line) {
    if (!schedule_) return data_loss("a decision before the configuration");
    if (view_ == nullptr) return data_loss("a decision before the pool");
    DecisionInput& input = line.recorded.input;
    if (input.load_requests.size() != view_->size()) return data_loss("the pool has another size");
    line.recorded.bind();
    input.pool = view_;
    // Another configuration may ask for state that was not recorded: it finds nothing known.
    input.prefix.resize(schedule_->prefix_sources.size());
    input.columns.resize(schedule_->columns.size());
    const bool explained = options_.explain == line.number;
    DecisionTrace trace;
    decide(*schedule_, input, scratch_, decision_, explained ? &trace : nullptr);
    ++report_.decisions;
    std::string outcome = outcome_text(decision_);
    if (outcome != line.outcome) {
      ++report_.different;
      if (report_.differences.size() < options_.max_differences) {
        report_.differences.push_back({line.number, line.outcome, outcome});
      }
    }
    if (explained) {
      report_.explanation = explain(line.number, *schedule_, input, decision_, trace);
      if (outcome != line.outcome) report_.explanation += "recorded: " + line.outcome + "\n";
    }
    return {};
  }

  const ReplayOptions& options_;
  ReplayReport& report_;
  std::optional<Schedule> schedule_;
  PoolSnapshot pool_;
  PoolViewPtr view_;
  DecisionScratch scratch_;
  Decision decision_;
};

}  // namespace

Result<ReplayReport> replay(std::istream& record, const ReplayOptions& options) {
  ReplayReport report;
  Replayer replayer(options, report);
  std::string line;
  for (std::uint64_t number = 1; std::getline(record, line); ++number) {
    if (line.size() > kMaxLineBytes) {
      return data_loss("line {}: {} bytes; a line has at most {}", number, line.size(),
                       kMaxLineBytes);
    }
    if (line.empty()) continue;
    // A record of a process that was killed ends in the middle of a line.
    if (const Status read = replayer.line(line); !read.ok()) {
      if (record.eof() && read.code() == Code::kDataLoss) break;
      return read.with_context(fmt::format("line {}", number));
    }
  }
  return report;
}

}  // namespace nacelle::router
