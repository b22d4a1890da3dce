#include "telemetry/label_cap.h"

#include <string>

#include <gtest/gtest.h>

namespace nacelle::telemetry {
namespace {

TEST(LabelCap, ValuesBeyondTheCapAreOther) {
  LabelCap cap(2);
  EXPECT_EQ(cap("a"), "a");
  EXPECT_EQ(cap("b"), "b");
  EXPECT_EQ(cap("c"), "other");
  EXPECT_EQ(cap("a"), "a");  // known ones keep their name
}

TEST(LabelCap, LongValuesAreCut) {
  LabelCap cap;
  EXPECT_EQ(cap(std::string(100'000, 'x')).size(), LabelCap::kMaxBytes);
  EXPECT_EQ(cap(std::string(100'001, 'x')), std::string(LabelCap::kMaxBytes, 'x'));
}

}  // namespace
}  // namespace nacelle::telemetry
