#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/bench/report.h"

namespace nacelle::cli {
namespace {

constexpr double kWidth = 420, kHeight = 240, kLeft = 64, kTop = 44, kGap = 90;

struct Series {
  const char* name;
  const char* colour;
  std::vector<double> values;
};

std::string escape(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else
      out += c;
  }
  return out;
}

// A round number at or above `value`: 1, 2 or 5 times a power of ten.
double round_up(double value) {
  if (!(value > 0)) return 1;
  const double power = std::pow(10.0, std::floor(std::log10(value)));
  for (const double step : {1.0, 2.0, 5.0, 10.0}) {
    if (value <= step * power) return step * power;
  }
  return 10 * power;
}

// Grouped bars, one group per stage, one bar per series.
std::string panel(double x, const char* title, const std::vector<std::string>& names,
                  const std::vector<Series>& series) {
  double highest = 0;
  for (const Series& s : series)
    highest = std::max(highest, *std::max_element(s.values.begin(), s.values.end()));
  const double top = round_up(highest);
  std::string out = fmt::format("<text x='{}' y='{}' class='t'>{}</text>\n", x, kTop - 18, title);
  for (int tick = 0; tick <= 4; ++tick) {
    const double y = kTop + kHeight * (4 - tick) / 4.0;
    out += fmt::format(
        "<line x1='{}' x2='{}' y1='{}' y2='{}' class='g'/><text x='{}' y='{}' "
        "class='e'>{:g}</text>\n",
        x, x + kWidth, y, y, x - 6, y + 4, top * tick / 4);
  }
  const double group = kWidth / static_cast<double>(names.size());
  const double bar = std::min(42.0, group * 0.8 / static_cast<double>(series.size()));
  for (std::size_t i = 0; i < names.size(); ++i) {
    const double middle = x + group * (static_cast<double>(i) + 0.5);
    const double start = middle - bar * static_cast<double>(series.size()) / 2;
    for (std::size_t s = 0; s < series.size(); ++s) {
      const double height = kHeight * series[s].values[i] / top;
      out += fmt::format(
          "<rect x='{:.1f}' y='{:.1f}' width='{:.1f}' height='{:.1f}' fill='{}'><title>{} {}: "
          "{:g}</title></rect>\n",
          start + bar * static_cast<double>(s), kTop + kHeight - height, bar - 2, height,
          series[s].colour, escape(names[i]), series[s].name, series[s].values[i]);
    }
    out += fmt::format("<text x='{:.1f}' y='{}' class='m'>{}</text>\n", middle, kTop + kHeight + 18,
                       escape(names[i]));
  }
  double legend = x;
  for (const Series& s : series) {
    out += fmt::format(
        "<rect x='{0}' y='{1}' width='10' height='10' fill='{2}'/><text x='{3}' "
        "y='{4}'>{5}</text>\n",
        legend, kTop + kHeight + 32, s.colour, legend + 14, kTop + kHeight + 41, s.name);
    legend += 70;
  }
  return out;
}

}  // namespace

std::string to_svg(const BenchReport& report) {
  std::vector<std::string> names;
  Series output{"output", "#2b6cb0", {}}, mean{"mean", "#2b6cb0", {}}, p50{"p50", "#63b3ed", {}},
      p99{"p99", "#c05621", {}};
  for (const StageSummary& stage : report.stages) {
    names.push_back(stage.name);
    output.values.push_back(stage.output_tokens_per_s);
    mean.values.push_back(stage.ttft.mean * 1000);
    p50.values.push_back(stage.ttft.p50 * 1000);
    p99.values.push_back(stage.ttft.p99 * 1000);
  }
  const double width = kLeft * 2 + kWidth * 2 + kGap, height = kTop + kHeight + 60;
  std::string out = fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {0} {1}' width='{0}' height='{1}' "
      "font-family='sans-serif' "
      "font-size='12'>\n<style>.t{{font-size:14px;font-weight:bold}}.g{{stroke:#ddd}}"
      ".e{{text-anchor:end}}.m{{text-anchor:middle}}</style>\n<rect width='100%' height='100%' "
      "fill='white'/>\n",
      width, height);
  if (!names.empty()) {
    out += panel(kLeft, "Output tokens per second", names, {output});
    out += panel(kLeft + kWidth + kGap, "Time to first token, ms", names, {mean, p50, p99});
  }
  return out + "</svg>\n";
}

}  // namespace nacelle::cli
