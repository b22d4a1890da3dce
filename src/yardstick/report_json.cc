#include <nlohmann/json.hpp>

#include "yardstick/report.h"

namespace nacelle::yardstick {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const Roof& roof) {
  return {{"name", roof.name}, {"one_thread", roof.one_thread}, {"all_threads", roof.all_threads}};
}

Json to_json(const Timing& timing) {
  return {{"best_s", timing.best_s}, {"median_s", timing.median_s}, {"calls", timing.calls}};
}

Json to_json(const Row& row, const Limits& limits) {
  const Attainable limit = attainable(row, limits);
  Json json = {{"section", row.section},
               {"name", row.name},
               {"column", row.column},
               {"operations", row.operations},
               {"bytes", row.bytes},
               {"ours", to_json(row.ours)},
               {"gops_per_s", rate(row)},
               {"limit_gops_per_s", limit.rate},
               {"limit", limit.roof},
               {"share", share(row, limits)},
               {"best_share", best_share(row, limits)}};
  if (row.tokens > 0 && row.ours.best_s > 0) {
    json["tokens_per_s"] = row.tokens / row.ours.best_s;
  }
  if (row.peer) {
    json["peer"] = to_json(*row.peer);
    json["times_peer"] = times_peer(row).value_or(0);
  }
  Json bars = Json::array();
  for (const Bar& bar : row.bars) {
    const std::optional<double> value = reached(row, bar, limits);
    if (!value) continue;
    bars.push_back({{"name", bar.name},
                    {"of", bar.of == Bar::Of::kShare ? "limit" : "peer"},
                    {"at_least", bar.at_least},
                    {"reached", *value},
                    {"ok", *value >= bar.at_least}});
  }
  json["bars"] = std::move(bars);
  return json;
}

}  // namespace

std::string to_json(const Report& report) {
  Json json = {{"machine", report.machine}, {"threads", report.threads},
               {"isa", report.isa},         {"peer", report.peer},
               {"notes", report.notes},     {"limits", {{"gops_per_s", Json::array()}}}};
  for (const Roof& roof : report.limits.arithmetic) {
    json["limits"]["gops_per_s"].push_back(to_json(roof));
  }
  json["limits"]["read_gbytes_per_s"] = to_json(report.limits.read);
  json["rows"] = Json::array();
  for (const Row& row : report.rows) json["rows"].push_back(to_json(row, report.limits));
  json["ratios"] = Json::array();
  for (const Ratio& ratio : report.ratios) {
    Json one = {{"name", ratio.name}, {"how", ratio.how}, {"value", ratio.value}};
    if (ratio.bar) {
      one["bar"] = *ratio.bar;
      one["at_most"] = ratio.at_most;
      one["ok"] = passes(ratio);
    }
    json["ratios"].push_back(std::move(one));
  }
  return json.dump(2) + "\n";
}

}  // namespace nacelle::yardstick
