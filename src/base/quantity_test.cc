#include "base/quantity.h"

#include <gtest/gtest.h>

namespace nacelle {
namespace {

TEST(Quantity, ReadsAndWritesTheCanonicalForm) {
  struct Row {
    const char* text;
    const char* canonical;
    std::int64_t value;
    std::int64_t milli;
  };
  constexpr Row kRows[] = {
      {"0", "0", 0, 0},
      {"1", "1", 1, 1000},
      {"0.5", "500m", 1, 500},
      {"1000m", "1", 1, 1000},
      {"100m", "100m", 1, 100},
      {"1.5Gi", "1536Mi", 1610612736, 1610612736000},
      {"1024Mi", "1Gi", 1073741824, 1073741824000},
      {"512", "512", 512, 512000},
      {"2048Ki", "2Mi", 2097152, 2097152000},
      {"0.5Ki", "512", 512, 512000},
      {"1k", "1k", 1000, 1000000},
      {"1000k", "1M", 1000000, 1000000000},
      {"1e3", "1e3", 1000, 1000000},
      {"1E3", "1e3", 1000, 1000000},
      {"1E", "1E", 1000000000000000000, INT64_MAX},
      {"12e-1", "1200e-3", 2, 1200},
      {"+2", "2", 2, 2000},
      {"-1.5", "-1500m", -2, -1500},
      {".5", "500m", 1, 500},
      {"5.", "5", 5, 5000},
      {"1n", "1n", 1, 1},
      {"0.1n", "1n", 1, 1},
      {"99999999999999999999999", "9223372036854775807", INT64_MAX, INT64_MAX},
      {"8Ei", "9223372036854775807", INT64_MAX, INT64_MAX},
      {"0.123456789123456789123456789", "123456790n", 1, 124},
  };
  for (const Row& row : kRows) {
    const Result<Quantity> read = Quantity::parse(std::string_view(row.text));
    ASSERT_TRUE(read.ok()) << row.text;
    EXPECT_EQ(read->to_string(), row.canonical) << row.text;
    EXPECT_EQ(read->value(), row.value) << row.text;
    EXPECT_EQ(read->milli(), row.milli) << row.text;
    const Result<Quantity> again = Quantity::parse(std::string_view(read->to_string()));
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(*again, *read) << row.text;
  }
}

TEST(Quantity, RefusesOtherText) {
  for (const char* text : {"", "-", ".", "1.2.3", "Gi", "1gi", "1 Gi", "1e", "1e+", "1ex", "0x10",
                           "1KiB", "one", "1m5", "--1"}) {
    EXPECT_FALSE(Quantity::parse(std::string_view(text)).ok()) << text;
  }
}

TEST(Quantity, ComparesAndDividesByAmount) {
  const auto parse = [](std::string_view text) { return *Quantity::parse(text); };
  EXPECT_EQ(parse("1Gi"), parse("1073741824"));
  EXPECT_LT(parse("999m"), parse("1"));
  EXPECT_EQ(parse("2500m").divided_by(parse("1")), 3);
  EXPECT_EQ(parse("2500m").divided_by(parse("1m")), 2500);
  EXPECT_EQ(parse("1Gi").divided_by(parse("1Mi")), 1024);
  EXPECT_EQ(parse("1500M").divided_by(parse("1Gi")), 2);
  EXPECT_EQ(parse("7").divided_by(Quantity()), 7);
}

}  // namespace
}  // namespace nacelle
