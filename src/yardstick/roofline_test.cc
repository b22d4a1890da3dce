#include "yardstick/roofline.h"

#include <gtest/gtest.h>

namespace nacelle::yardstick {
namespace {

TEST(LogAxis, EqualFactorsAreEqualDistances) {
  const LogAxis axis{.low = 1, .high = 1000, .from = 100, .to = 400};
  EXPECT_DOUBLE_EQ(axis.at(1), 100);
  EXPECT_DOUBLE_EQ(axis.at(10), 200);
  EXPECT_DOUBLE_EQ(axis.at(1000), 400);
  const LogAxis up{.low = 0.1, .high = 10, .from = 300, .to = 0};  // pixels grow downwards
  EXPECT_DOUBLE_EQ(up.at(1), 150);
}

TEST(LogTicks, DecadesAndTheirParts) {
  std::vector<double> values, decades;
  for (const Tick& tick : log_ticks(0.5, 20)) {
    values.push_back(tick.value);
    if (tick.is_decade) decades.push_back(tick.value);
  }
  EXPECT_EQ(values.size(), 5 + 9 + 2u);  // 0.5 to 0.9, 1 to 9, 10 and 20
  EXPECT_EQ(decades, (std::vector<double>{1, 10}));
  EXPECT_TRUE(log_ticks(1, 1).front().is_decade);
}

Report one_dot() {
  Report report;
  report.limits.arithmetic = {{"bf16", 500, 1000}, {"f32", 100, 200}};
  report.limits.read = {"read", 30, 50};
  Row row;
  row.operations = 4e9;
  row.bytes = 1e9;
  row.roof = "bf16";
  row.ours = {0.1, 0.1, 1};
  report.rows = {row};
  return report;
}

TEST(Roofline, TheLowerRoofIsTheLimit) {
  const Report report = one_dot();
  Row row = report.rows[0];
  EXPECT_EQ(ridge(1000, 50), 20);
  EXPECT_DOUBLE_EQ(attainable(row, report.limits).rate, 200);  // 4 operations a byte, 50 GB/s
  EXPECT_EQ(attainable(row, report.limits).roof, "read");
  EXPECT_DOUBLE_EQ(share(row, report.limits), 40.0 / 200);
  row.bytes = 1e8;  // 40 a byte: right of the ridge
  EXPECT_DOUBLE_EQ(attainable(row, report.limits).rate, 1000);
  EXPECT_EQ(attainable(row, report.limits).roof, "bf16");
  row.roof = "unknown to this machine";
  row.bytes = 0;
  EXPECT_EQ(share(row, report.limits), 0);
}

TEST(Roofline, TheFrameHoldsEveryDotAndRoof) {
  const Report report = one_dot();
  const Frame frame = fit(report, 100, 900, 50, 650);
  for (const double x : {4.0, 20.0}) {
    EXPECT_GT(frame.x.at(x), 100);
    EXPECT_LT(frame.x.at(x), 900);
  }
  for (const double y : {40.0, 200.0, 1000.0}) {
    EXPECT_GT(frame.y.at(y), 50);
    EXPECT_LT(frame.y.at(y), 650);
  }
  EXPECT_GT(frame.y.at(40), frame.y.at(1000));  // faster is higher
}

TEST(PlaceNames, NoNameCoversAnotherOrLeavesTheArea) {
  const Box area{0, 0, 400, 300};
  std::vector<Wish> wishes;
  std::vector<Box> dots;
  for (int i = 0; i < 12; ++i) {  // a crowd, and some at the edges
    const double x = i < 8 ? 200 + i : (i - 8) * 133.0;
    wishes.push_back({x, 150.0 + i, 80, 13});
    dots.push_back({x - 5, 145.0 + i, 10, 10});
  }
  const std::vector<Box> places = place_names(wishes, dots, area);
  ASSERT_EQ(places.size(), wishes.size());
  std::size_t placed = 0;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const Box& box = places[i];
    if (box.width == 0) continue;
    ++placed;
    EXPECT_TRUE(box.x >= 0 && box.x + box.width <= 400 && box.y >= 0 && box.y + box.height <= 300);
    for (std::size_t j = 0; j < i; ++j) EXPECT_FALSE(overlap(box, places[j])) << i << " " << j;
    for (const Box& dot : dots) EXPECT_FALSE(overlap(box, dot));
  }
  EXPECT_GE(placed, 8u);
}

TEST(PlaceNames, ALoneNameStandsRightOfItsDot) {
  const auto places = place_names({{100, 100, 50, 10}}, {}, {0, 0, 300, 300});
  EXPECT_EQ(places[0], (Box{106, 95, 50, 10}));
  const auto edge = place_names({{280, 100, 50, 10}}, {}, {0, 0, 300, 300});
  EXPECT_EQ(edge[0], (Box{224, 95, 50, 10}));
}

}  // namespace
}  // namespace nacelle::yardstick
