// The roofline picture: a diagonal for reading, a level for each register loop, a dot for each row.
// Every dot tells its figures when pointed at; those with a label carry a name.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "yardstick/report.h"
#include "yardstick/roofline.h"

namespace nacelle::yardstick {
namespace {

constexpr double kWidth = 1200, kHeight = 760;
constexpr double kLeft = 78, kRight = 960, kTop = 64, kBottom = 690;
constexpr double kLetter = 5.9;  // pixels of one at 11 px, a little above the mean
constexpr double kNameHeight = 13;

constexpr std::array kColours = {"#1f77b4", "#d95f02", "#2a9d55", "#7b4fb5", "#c0392b", "#8c6d1f",
                                 "#0f8f9c", "#d4418e", "#556270", "#93a80f", "#3949ab", "#6d4c41"};

std::string escape(std::string_view text) {
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

std::string number(double value) {
  return value >= 1 ? fmt::format("{:.0f}", value) : fmt::format("{:g}", value);
}

double width_of(std::string_view text) { return kLetter * static_cast<double>(text.size()); }

std::string grid(const Frame& frame) {
  std::string out;
  for (const Tick& tick : log_ticks(frame.x.low, frame.x.high)) {
    const double x = frame.x.at(tick.value);
    out += fmt::format("<line x1='{0:.1f}' x2='{0:.1f}' y1='{1}' y2='{2}' class='{3}'/>\n", x, kTop,
                       kBottom, tick.is_decade ? "d" : "g");
    if (tick.is_decade) {
      out += fmt::format("<text x='{:.1f}' y='{}' class='m'>{}</text>\n", x, kBottom + 18,
                         number(tick.value));
    }
  }
  for (const Tick& tick : log_ticks(frame.y.low, frame.y.high)) {
    const double y = frame.y.at(tick.value);
    out += fmt::format("<line x1='{1}' x2='{2}' y1='{0:.1f}' y2='{0:.1f}' class='{3}'/>\n", y,
                       kLeft, kRight, tick.is_decade ? "d" : "g");
    if (tick.is_decade) {
      out += fmt::format("<text x='{}' y='{:.1f}' class='e'>{}</text>\n", kLeft - 8, y + 4,
                         number(tick.value));
    }
  }
  return out + fmt::format(
                   "<text x='{}' y='{}' class='m'>operations per byte</text>\n"
                   "<text x='22' y='{}' class='m' transform='rotate(-90 22 {})'>"
                   "1e9 operations per second</text>\n",
                   (kLeft + kRight) / 2, kBottom + 42, (kTop + kBottom) / 2, (kTop + kBottom) / 2);
}

// The lines and their names; the boxes of the names are obstacles for those of the dots.
std::string roofs(const Report& report, const Frame& frame, std::vector<Box>& obstacles) {
  std::string out;
  const Roof& read = report.limits.read;
  double highest = 0;
  for (const Roof& roof : report.limits.arithmetic) {
    if (!(roof.all_threads > 0)) continue;
    highest = std::max(highest, roof.all_threads);
    const double start =
        read.all_threads > 0 ? ridge(roof.all_threads, read.all_threads) : frame.x.low;
    const double y = frame.y.at(roof.all_threads);
    const std::string name = fmt::format("{}: {:.0f} Gop/s", roof.name, roof.all_threads);
    out += fmt::format(
        "<line x1='{:.1f}' x2='{}' y1='{:.1f}' y2='{:.1f}' class='r'/>"
        "<text x='{}' y='{:.1f}' class='e n'>{}</text>\n",
        frame.x.at(std::max(start, frame.x.low)), kRight, y, y, kRight - 6, y - 5, escape(name));
    obstacles.push_back({kRight - 8 - width_of(name), y - 16, width_of(name) + 8, 17});
    obstacles.push_back({kLeft, y - 1.5, kRight - kLeft, 3});
  }
  if (!(read.all_threads > 0) || !(highest > 0)) return out;
  const double top = std::min(highest, frame.y.high);
  const double bottom = std::max(frame.x.low * read.all_threads, frame.y.low);
  const double x1 = frame.x.at(bottom / read.all_threads), y1 = frame.y.at(bottom);
  const double x2 = frame.x.at(top / read.all_threads), y2 = frame.y.at(top);
  const double angle = std::atan2(y2 - y1, x2 - x1) * 180 / 3.14159265358979;
  const double x = x1 + 0.55 * (x2 - x1), y = y1 + 0.55 * (y2 - y1);
  return out +
         fmt::format(
             "<line x1='{:.1f}' y1='{:.1f}' x2='{:.1f}' y2='{:.1f}' class='r'/>"
             "<text x='{:.1f}' y='{:.1f}' class='m n' transform='rotate({:.1f} {:.1f} {:.1f})' "
             "dy='-7'>{}: {:.1f} GB/s</text>\n",
             x1, y1, x2, y2, x, y, angle, x, y, escape(read.name), read.all_threads);
}

std::string legend(const std::vector<std::string>& sections) {
  std::string out;
  double y = kTop + 10;
  for (std::size_t i = 0; i < sections.size(); ++i, y += 20) {
    out += fmt::format("<circle cx='{}' cy='{}' r='5' fill='{}'/><text x='{}' y='{}'>{}</text>\n",
                       kRight + 24, y, kColours[i % kColours.size()], kRight + 36, y + 4,
                       escape(sections[i]));
  }
  return out;
}

std::string dots(const Report& report, const Frame& frame, const std::vector<std::string>& sections,
                 std::vector<Box> obstacles) {
  std::string small, large, names;
  std::vector<Wish> wishes;
  std::vector<std::pair<const Row*, const char*>> labelled;
  for (const Row& row : report.rows) {
    if (!(row.bytes > 0) || !(rate(row) > 0)) continue;
    const double x = frame.x.at(row.operations / row.bytes), y = frame.y.at(rate(row));
    const auto section = std::find(sections.begin(), sections.end(), row.section);
    const char* colour =
        kColours[static_cast<std::size_t>(section - sections.begin()) % kColours.size()];
    const std::string title =
        fmt::format("{}: {}{}{}: {:.0f} Gop/s, {:.0f} % of {}", row.section, row.name,
                    row.column.empty() ? "" : ", ", row.column, rate(row),
                    share(row, report.limits) * 100, attainable(row, report.limits).roof);
    (row.label.empty() ? small : large) += fmt::format(
        "<circle cx='{:.1f}' cy='{:.1f}' r='{}' fill='{}' {}><title>{}</title></circle>\n", x, y,
        row.label.empty() ? 2.5 : 5.0, colour,
        row.label.empty() ? "fill-opacity='0.35'" : "stroke='white'", escape(title));
    if (row.label.empty()) continue;
    wishes.push_back({x, y, width_of(row.label), kNameHeight});
    labelled.emplace_back(&row, colour);
    obstacles.push_back({x - 5, y - 5, 10, 10});
  }
  const std::vector<Box> places =
      place_names(wishes, obstacles, {kLeft + 2, kTop + 2, kRight - kLeft - 4, kBottom - kTop - 4});
  for (std::size_t i = 0; i < places.size(); ++i) {
    const Box& box = places[i];
    if (box.width == 0) continue;  // too crowded; the dot still tells its name when pointed at
    const bool is_right = box.x > wishes[i].x;
    const double edge = is_right ? box.x - 1 : box.x + box.width + 1;
    const double middle = box.y + box.height / 2;
    if (std::hypot(edge - wishes[i].x, middle - wishes[i].y) > 12) {
      names += fmt::format(
          "<line x1='{:.1f}' y1='{:.1f}' x2='{:.1f}' y2='{:.1f}' stroke='{}' "
          "stroke-opacity='0.6'/>",
          wishes[i].x, wishes[i].y, edge, middle, labelled[i].second);
    }
    names += fmt::format("<text x='{:.1f}' y='{:.1f}' class='{}' fill='{}'>{}</text>\n",
                         is_right ? box.x : box.x + box.width, box.y + 10, is_right ? "l" : "l e",
                         labelled[i].second, escape(labelled[i].first->label));
  }
  return small + names + large;
}

}  // namespace

std::string to_svg(const Report& report) {
  std::vector<std::string> sections;
  for (const Row& row : report.rows) {
    if (std::find(sections.begin(), sections.end(), row.section) == sections.end()) {
      sections.push_back(row.section);
    }
  }
  const Frame frame = fit(report, kLeft, kRight, kTop, kBottom);
  std::string out = fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {0} {1}' width='{0}' height='{1}' "
      "font-family='sans-serif' font-size='12'>\n"
      "<style>.t{{font-size:16px;font-weight:bold}}.g{{stroke:#f0f0f0}}.d{{stroke:#d5d5d5}}"
      ".r{{stroke:#333;stroke-width:2}}.n{{fill:#333;font-weight:bold;font-size:11px}}"
      ".l{{font-size:11px;paint-order:stroke;stroke:white;stroke-width:3px}}.e{{text-anchor:end}}."
      "m{{text-anchor:middle}}</style>\n"
      "<rect width='100%' height='100%' fill='white'/>\n"
      "<text x='{2}' y='28' class='t'>Roofline</text><text x='{2}' y='48'>{3}, {4} threads, {5}"
      "</text>\n",
      kWidth, kHeight, kLeft, escape(report.machine), report.threads, escape(report.isa));
  std::vector<Box> obstacles;
  out += grid(frame);
  out += roofs(report, frame, obstacles);
  out += dots(report, frame, sections, std::move(obstacles));
  return out + legend(sections) + "</svg>\n";
}

}  // namespace nacelle::yardstick
