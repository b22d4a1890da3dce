#include "yardstick/report.h"

#include <algorithm>
#include <utility>

namespace nacelle::yardstick {
namespace {

Attainable lower_roof(const Row& row, const Limits& limits) {
  Attainable lowest;
  const auto roof = std::find_if(limits.arithmetic.begin(), limits.arithmetic.end(),
                                 [&](const Roof& r) { return r.name == row.roof; });
  if (roof != limits.arithmetic.end()) lowest = {roof->all_threads, roof->name};
  if (row.bytes > 0 && limits.read.all_threads > 0) {
    const double reading = row.operations / row.bytes * limits.read.all_threads;
    if (lowest.rate == 0 || reading < lowest.rate) lowest = {reading, limits.read.name};
  }
  return lowest;
}

double share_of(const Row& row, const Limits& limits, double seconds) {
  const double limit = lower_roof(row, limits).rate;
  if (!(limit > 0) || !(seconds > 0)) return 0;
  return row.operations / seconds * 1e-9 / limit;
}

// By their shares.
std::vector<std::pair<double, const Moment*>> ordered_moments(const Row& row) {
  std::vector<std::pair<double, const Moment*>> out;
  out.reserve(row.moments.size());
  for (const Moment& moment : row.moments) {
    out.emplace_back(share_of(row, moment.limits, moment.best_s), &moment);
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

double rate(const Row& row) {
  return row.ours.best_s > 0 ? row.operations / row.ours.best_s * 1e-9 : 0;
}

Attainable attainable(const Row& row, const Limits& limits) {
  if (row.moments.empty()) return lower_roof(row, limits);
  const auto ordered = ordered_moments(row);
  return lower_roof(row, ordered[(ordered.size() - 1) / 2].second->limits);
}

double share(const Row& row, const Limits& limits) {
  if (row.moments.empty()) return share_of(row, limits, row.ours.best_s);
  const auto ordered = ordered_moments(row);
  return ordered[(ordered.size() - 1) / 2].first;
}

double best_share(const Row& row, const Limits& limits) {
  if (row.moments.empty()) return share_of(row, limits, row.ours.best_s);
  return ordered_moments(row).back().first;
}

std::optional<double> times_peer(const Row& row) {
  if (!row.peer || !(row.ours.best_s > 0)) return std::nullopt;
  return row.peer->best_s / row.ours.best_s;
}

std::optional<double> reached(const Row& row, const Bar& bar, const Limits& limits) {
  if (bar.of == Bar::Of::kPeer) return times_peer(row);
  if (!(row.ours.best_s > 0) || !(attainable(row, limits).rate > 0)) return std::nullopt;
  return share(row, limits);
}

bool passes(const Ratio& ratio) {
  if (!ratio.bar) return true;
  return ratio.at_most ? ratio.value <= *ratio.bar : ratio.value >= *ratio.bar;
}

std::vector<BarSummary> sum_up(const Report& report) {
  std::vector<BarSummary> all;
  for (const Row& row : report.rows) {
    for (const Bar& bar : row.bars) {
      const std::optional<double> value = reached(row, bar, report.limits);
      if (!value) continue;
      auto place = std::find_if(all.begin(), all.end(), [&](const BarSummary& s) {
        return s.name == bar.name && s.of == bar.of && s.at_least == bar.at_least;
      });
      if (place == all.end()) {
        all.push_back({.name = bar.name, .of = bar.of, .at_least = bar.at_least});
        place = all.end() - 1;
      }
      if (place->rows == 0 || *value < place->worst) {
        place->worst = *value;
        place->worst_row = row.column.empty() ? row.name : row.name + ", " + row.column;
      }
      ++place->rows;
      if (*value >= bar.at_least) ++place->ok;
    }
  }
  return all;
}

}  // namespace nacelle::yardstick
