#include "router/config/scalar_text.h"

#include <gtest/gtest.h>

namespace nacelle::router {
namespace {

TEST(ScalarText, Durations) {
  EXPECT_EQ(parse_duration_text("300ms"), std::chrono::milliseconds(300));
  EXPECT_EQ(parse_duration_text("1m30s"), std::chrono::seconds(90));
  EXPECT_EQ(parse_duration_text("1.5h"), std::chrono::minutes(90));
  EXPECT_EQ(parse_duration_text("-2s"), std::chrono::seconds(-2));
  EXPECT_EQ(parse_duration_text("0"), Duration::zero());
  for (const char* bad : {"", "5", "s", "5 s", "1x", "1s2", "999999999999h", "-", "1..5s"}) {
    EXPECT_FALSE(parse_duration_text(bad)) << bad;
  }
}

TEST(ScalarText, Quantities) {
  EXPECT_EQ(parse_quantity_text("5000"), 5000u);
  EXPECT_EQ(parse_quantity_text("64Mi"), 64u << 20);
  EXPECT_EQ(parse_quantity_text("1.5G"), 1'500'000'000u);
  EXPECT_EQ(parse_quantity_text("1k"), 1000u);
  EXPECT_EQ(parse_quantity_text("1500m"), 2u);
  EXPECT_EQ(parse_quantity_text("1e3"), 1000u);
  for (const char* bad : {"", "-1", "G", "1g", "99E99", "1e99", "1 Gi", "9999999999999E"}) {
    EXPECT_FALSE(parse_quantity_text(bad)) << bad;
  }
}

TEST(ScalarText, Numbers) {
  EXPECT_EQ(parse_number_text("+1.5e2"), 150);
  EXPECT_EQ(parse_integer_text("-7"), -7);
  for (const char* bad : {"", "nan", "inf", "1x", "0x10"}) EXPECT_FALSE(parse_number_text(bad));
  for (const char* bad : {"", "1.0", "99999999999999999999"}) EXPECT_FALSE(parse_integer_text(bad));
}

}  // namespace
}  // namespace nacelle::router
