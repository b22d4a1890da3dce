#include "control/core/llmd/scaling_pace.h"

#include <gtest/gtest.h>

#include "control/core/llmd/admission.h"

namespace nacelle::control::llmd {
namespace {

using kube::Json;

TEST(ScalingPace, IsReadFromAnnotations) {
  struct Row {
    const char* text;
    std::int64_t seconds;  // 0: refused
  };
  constexpr Row kRows[] = {{"3s", 3},    {"10m", 600},       {"1h30m", 5400},    {"24h", 86'400},
                           {"1m1s", 61}, {"0s", 0},          {"25h", 0},         {"", 0},
                           {"3", 0},     {"s", 0},           {"-3s", 0},         {"1.5s", 0},
                           {"500ms", 0}, {"3 s", 0},         {"1s1m", 0},        {"1s1s", 0},
                           {"1d", 0},    {"4294967295h", 0}, {"99999999999s", 0}};
  for (const Row& row : kRows) {
    const Json service = {
        {"metadata", {{"annotations", {{"nacelle.dev/scale-to-zero-after", row.text}}}}},
        {"spec", {{"model", {{"id", "a"}}}}}};
    Review review;
    const ScalingPace pace = parse_pace(service, review);
    EXPECT_EQ(pace.zero_after_seconds, row.seconds == 0 ? 600 : row.seconds) << row.text;
    EXPECT_EQ(pace.down_period_seconds, 60);
    EXPECT_EQ(review.allowed(), row.seconds != 0) << row.text;
    EXPECT_EQ(review_service(service).allowed(), row.seconds != 0) << row.text;
  }
  Review review;
  (void)parse_pace({{"metadata", {{"annotations", {{"nacelle.dev/scale-down-period", "0s"}}}}}},
                   review);
  ASSERT_EQ(review.problems.size(), 1U);
  EXPECT_EQ(review.problems[0].field, "metadata.annotations[nacelle.dev/scale-down-period]");
  EXPECT_EQ(review.problems[0].message,
            "Invalid value: \"0s\": must be between 1s and 24h, as 90s, 10m or 1h30m");
}

}  // namespace
}  // namespace nacelle::control::llmd
