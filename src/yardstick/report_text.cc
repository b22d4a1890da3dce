// The table for a terminal. A section with columns is a matrix of shares; others show every figure.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "yardstick/report.h"

namespace nacelle::yardstick {
namespace {

std::string percent(double share) { return fmt::format("{:.0f} %", share * 100); }

std::string duration(double seconds) {
  if (seconds >= 1) return fmt::format("{:.2f} s", seconds);
  if (seconds >= 1e-3) return fmt::format("{:.2f} ms", seconds * 1e3);
  return fmt::format("{:.1f} us", seconds * 1e6);
}

// "ok", "below 75 %, below oneDNN", or "" where nothing is asked or nothing was measured.
std::string verdict(const Row& row, const Limits& limits) {
  std::string text;
  bool measured = false;
  for (const Bar& bar : row.bars) {
    const std::optional<double> value = reached(row, bar, limits);
    if (!value) continue;
    measured = true;
    if (*value >= bar.at_least) continue;
    if (!text.empty()) text += ", ";
    text += bar.of == Bar::Of::kShare ? fmt::format("below {}", percent(bar.at_least))
                                      : fmt::format("below {:g} x oneDNN", bar.at_least);
  }
  return text.empty() && measured ? "ok" : text;
}

// "read (38 GB/s)": reading is what changes from moment to moment.
std::string roof_of(const Row& row, const Limits& limits) {
  const Attainable limit = attainable(row, limits);
  if (row.moments.empty() || limit.roof != limits.read.name) return std::string(limit.roof);
  return fmt::format("{} ({:.1f} GB/s)", limit.roof, limit.rate / row.operations * row.bytes);
}

std::string limits_table(const Report& report) {
  std::string out = fmt::format("{:<34}{:>12}{:>12}\n", "limits, measured in this run", "1 thread",
                                fmt::format("{} threads", report.threads));
  for (const Roof& roof : report.limits.arithmetic) {
    out += fmt::format("  {:<32}{:>12.0f}{:>12.0f}  Gop/s from registers\n", roof.name,
                       roof.one_thread, roof.all_threads);
  }
  const Roof& read = report.limits.read;
  return out + fmt::format("  {:<32}{:>12.1f}{:>12.1f}  GB/s\n", read.name, read.one_thread,
                           read.all_threads);
}

using Rows = std::vector<const Row*>;

std::string matrix(const Rows& rows, const Limits& limits) {
  std::vector<std::string> columns, lines;
  std::map<std::pair<std::string, std::string>, const Row*> cells;
  for (const Row* row : rows) {
    if (std::find(columns.begin(), columns.end(), row->column) == columns.end()) {
      columns.push_back(row->column);
    }
    if (std::find(lines.begin(), lines.end(), row->name) == lines.end()) lines.push_back(row->name);
    cells[{row->name, row->column}] = row;
  }
  constexpr int kWidth = 17;
  std::string out = fmt::format("\n{:<18}", rows.front()->section);
  for (const std::string& column : columns) out += fmt::format("{:>{}}", column, kWidth);
  out += '\n';
  for (const std::string& line : lines) {
    out += fmt::format("  {:<16}", line);
    for (const std::string& column : columns) {
      const auto cell = cells.find({line, column});
      std::string text;
      if (cell != cells.end()) {
        const Row& row = *cell->second;
        text = percent(share(row, limits));
        if (const auto times = times_peer(row)) text += fmt::format(" {:.2f} x", *times);
        text += verdict(row, limits).starts_with("below") ? " !" : "  ";
      }
      out += fmt::format("{:>{}}", text, kWidth);
    }
    out.erase(out.find_last_not_of(' ') + 1);
    out += '\n';
  }
  return out;
}

std::string list(const Rows& rows, const Limits& limits) {
  const bool tokens = std::any_of(rows.begin(), rows.end(), [](auto* r) { return r->tokens > 0; });
  std::string out = fmt::format(
      "\n{:<34}{:>9}{:>8}{:>10}{:>11}{:>11}{:>8}{:>9}  {:<18}{}\n", rows.front()->section, "Gop/s",
      "GB/s", tokens ? "tok/s" : "x oneDNN", "best", "median", "share", "best", "of", "bar");
  for (const Row* row : rows) {
    const double best = row->ours.best_s;
    const std::string name =
        row->column.empty() ? row->name : fmt::format("{}, {}", row->name, row->column);
    std::string middle;
    if (row->tokens > 0 && best > 0) {
      middle = fmt::format("{:.1f}", row->tokens / best);
    } else if (const auto times = times_peer(*row)) {
      middle = fmt::format("{:.2f}", *times);
    }
    out += fmt::format("  {:<32}{:>9.1f}{:>8.1f}{:>10}{:>11}{:>11}{:>8}{:>9}  {:<18}{}", name,
                       rate(*row), best > 0 ? row->bytes / best * 1e-9 : 0.0, middle,
                       duration(best), duration(row->ours.median_s), percent(share(*row, limits)),
                       percent(best_share(*row, limits)), roof_of(*row, limits),
                       verdict(*row, limits));
    out.erase(out.find_last_not_of(' ') + 1);
    out += '\n';
  }
  return out;
}

std::string bars(const Report& report) {
  std::string out;
  for (const BarSummary& s : sum_up(report)) {
    const bool peer = s.of == Bar::Of::kPeer;
    const auto figure = [peer](double v) {
      return peer ? fmt::format("{:.2f} x oneDNN", v) : percent(v);
    };
    out += fmt::format("  {:<58}{:<20}{:>8}  {}\n", s.name,
                       fmt::format(">= {}", figure(s.at_least)), s.ok == s.rows ? "ok" : "below",
                       s.rows == 1 ? figure(s.worst)
                                   : fmt::format("{} of {} rows; worst {} ({})", s.ok, s.rows,
                                                 figure(s.worst), s.worst_row));
  }
  for (const Ratio& ratio : report.ratios) {
    const auto figure = [&](double v) {
      return ratio.at_most ? percent(v) : fmt::format("{:.2f} x", v);
    };
    out += fmt::format("  {:<58}{:<20}{:>8}  {} ({})\n", ratio.name,
                       ratio.bar
                           ? fmt::format("{} {}", ratio.at_most ? "<=" : ">=", figure(*ratio.bar))
                           : "no bar here",
                       !ratio.bar      ? ""
                       : passes(ratio) ? "ok"
                       : ratio.at_most ? "above"
                                       : "below",
                       figure(ratio.value), ratio.how);
  }
  return out.empty() ? out : "\nbars\n" + out;
}

}  // namespace

std::string to_text(const Report& report, Detail detail) {
  std::string out = fmt::format("{}, {} threads, {}; {}\n\n", report.machine, report.threads,
                                report.isa, report.peer);
  out += limits_table(report);
  bool any_matrix = false;
  for (std::size_t i = 0; i < report.rows.size();) {
    Rows section;
    for (; i < report.rows.size() &&
           (section.empty() || report.rows[i].section == section.front()->section);
         ++i) {
      section.push_back(&report.rows[i]);
    }
    const bool as_matrix = detail == Detail::kMatrix && !section.front()->column.empty();
    any_matrix = any_matrix || as_matrix;
    out += as_matrix ? matrix(section, report.limits) : list(section, report.limits);
  }
  out += bars(report);
  if (any_matrix) {
    out +=
        "\nk x n: share of the limit in the middle moment, times oneDNN's rate; ! = below its "
        "bar\n";
  }
  for (const std::string& note : report.notes) out += note + '\n';
  return out;
}

}  // namespace nacelle::yardstick
