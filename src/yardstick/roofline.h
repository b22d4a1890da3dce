// roofline.h: the geometry of the roofline picture: axes, ticks, where names go. No drawing.
//
// x is arithmetic intensity (operations per byte), y is rate; both axes are logarithmic. Pixels
// grow to the right and down.
//
// Home:    pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "yardstick/report.h"

namespace nacelle::yardstick {

// Maps [low, high] to pixels [from, to] by logarithm. low > 0, high > low; `to` may be below
// `from`.
struct LogAxis {
  double low = 1, high = 10;
  double from = 0, to = 1;

  [[nodiscard]] double at(double value) const;
};

struct Tick {
  double value = 0;
  bool is_decade = false;  // a power of ten: gets a number
};
// 1, 2, 3 .. 9 times each power of ten within [low, high].
[[nodiscard]] std::vector<Tick> log_ticks(double low, double high);

// The intensity at which reading stops being the limit.
[[nodiscard]] double ridge(double roof_rate, double read_rate);

// Axes that hold all dots and roofs with some air around them.
struct Frame {
  LogAxis x, y;
};
[[nodiscard]] Frame fit(const Report& report, double left, double right, double top, double bottom);

struct Box {
  double x = 0, y = 0, width = 0, height = 0;  // x, y: the corner at the top left
  friend bool operator==(const Box&, const Box&) = default;
};
[[nodiscard]] bool overlap(const Box& a, const Box& b);

// A name that wants to be near the dot at (x, y).
struct Wish {
  double x = 0, y = 0;
  double width = 0, height = 0;
};
// A place for each name within `area`, in order: as near as it can be without covering another name
// or an obstacle. A name for which nothing is free gets an empty box.
[[nodiscard]] std::vector<Box> place_names(const std::vector<Wish>& wishes,
                                           const std::vector<Box>& obstacles, const Box& area);

}  // namespace nacelle::yardstick
