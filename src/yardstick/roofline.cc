#include "yardstick/roofline.h"

#include <algorithm>
#include <cmath>

namespace nacelle::yardstick {
namespace {

constexpr double kGap = 6;  // pixels between a dot's centre and its name
constexpr double kRings = 7;

bool within(const Box& box, const Box& area) {
  return box.x >= area.x && box.y >= area.y && box.x + box.width <= area.x + area.width &&
         box.y + box.height <= area.y + area.height;
}

}  // namespace

double LogAxis::at(double value) const {
  const double part = std::log(value / low) / std::log(high / low);
  return from + (to - from) * part;
}

std::vector<Tick> log_ticks(double low, double high) {
  std::vector<Tick> ticks;
  for (int power = static_cast<int>(std::floor(std::log10(low))); std::pow(10.0, power) <= high;
       ++power) {
    for (int digit = 1; digit <= 9; ++digit) {
      const double value = digit * std::pow(10.0, power);
      if (value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9)) {
        ticks.push_back({value, digit == 1});
      }
    }
  }
  return ticks;
}

double ridge(double roof_rate, double read_rate) { return roof_rate / read_rate; }

Frame fit(const Report& report, double left, double right, double top, double bottom) {
  double low_x = 1, high_x = 10, low_y = 1e30, high_y = 1;
  const double read = report.limits.read.all_threads;
  for (const Roof& roof : report.limits.arithmetic) {
    high_y = std::max(high_y, roof.all_threads);
    low_y = std::min(low_y, roof.all_threads);
    if (read > 0) high_x = std::max(high_x, ridge(roof.all_threads, read));
  }
  for (const Row& row : report.rows) {
    if (!(row.bytes > 0) || !(rate(row) > 0)) continue;
    low_x = std::min(low_x, row.operations / row.bytes);
    high_x = std::max(high_x, row.operations / row.bytes);
    low_y = std::min(low_y, rate(row));
    high_y = std::max(high_y, rate(row));
  }
  low_y = std::min(low_y, high_y / 10);
  return {{low_x / 1.6, high_x * 2.5, left, right}, {low_y / 1.8, high_y * 1.7, bottom, top}};
}

bool overlap(const Box& a, const Box& b) {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

std::vector<Box> place_names(const std::vector<Wish>& wishes, const std::vector<Box>& obstacles,
                             const Box& area) {
  std::vector<Box> taken = obstacles;
  std::vector<Box> places;
  for (const Wish& wish : wishes) {
    Box place;
    for (double ring = 0; ring < kRings && place.width == 0; ++ring) {
      const double away = kGap + ring * wish.height * 0.9;
      const double middle = wish.y - wish.height / 2;
      const double right = wish.x + away;
      const double left = wish.x - away - wish.width;
      const double above = wish.y - away - wish.height / 2;
      const double below = wish.y + away - wish.height / 2;
      const Box candidates[] = {
          {right, middle, wish.width, wish.height}, {left, middle, wish.width, wish.height},
          {right, above, wish.width, wish.height},  {right, below, wish.width, wish.height},
          {left, above, wish.width, wish.height},   {left, below, wish.width, wish.height},
      };
      for (const Box& candidate : candidates) {
        const auto collides = [&](const Box& other) { return overlap(candidate, other); };
        if (!within(candidate, area) || std::any_of(taken.begin(), taken.end(), collides)) continue;
        place = candidate;
        taken.push_back(place);
        break;
      }
    }
    places.push_back(place);
  }
  return places;
}

}  // namespace nacelle::yardstick
