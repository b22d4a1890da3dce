#include "apps/nacelle/model_pace.h"

#include <gtest/gtest.h>

namespace nacelle::apps {
namespace {

const TimePoint kStart = TimePoint{} + std::chrono::hours(1);

TEST(ModelPace, AChangeAfterAQuietTimeWaitsForThoseBesideItOnly) {
  ModelPace pace(1ms);
  EXPECT_EQ(pace.wait(kStart), 1ms) << "the first one of all";
  pace.made(kStart, kStart + 20ms);
  EXPECT_EQ(pace.wait(kStart + 200ms), 1ms);
}

TEST(ModelPace, ABurstRestsFourTimesWhatAModelCosts) {
  ModelPace pace(1ms);
  pace.made(kStart, kStart + 10ms);
  EXPECT_EQ(pace.wait(kStart + 10ms), 40ms);
  EXPECT_EQ(pace.wait(kStart + 30ms), 20ms) << "counted from the model, not from the change";
  EXPECT_EQ(pace.wait(kStart + 50ms), 1ms);
}

TEST(ModelPace, NoModelIsLaterThanATenthOfASecond) {
  ModelPace pace(1ms);
  pace.made(kStart, kStart + 5s);
  EXPECT_EQ(pace.wait(kStart + 5s), 100ms);
}

}  // namespace
}  // namespace nacelle::apps
