#include "kube/conditions.h"

#include <gtest/gtest.h>

namespace nacelle::kube {
namespace {

constexpr const char* kThen = "2026-01-01T00:00:00Z";
constexpr const char* kNow = "2026-01-02T00:00:00Z";

Conditions stored() {
  return {Json::array({{{"type", "Ready"}, {"status", "False"}, {"lastTransitionTime", kThen}}}),
          kNow};
}

std::string transition(const Conditions& conditions) {
  return conditions.find("Ready")->value("lastTransitionTime", "");
}

TEST(Conditions, TheTransitionIsThatFromTheStoredStatus) {
  Conditions same = stored();
  same.set({"Ready", "False", "Other", "other words"});
  EXPECT_EQ(transition(same), kThen);
  Conditions moved = stored();
  moved.set({"Ready", "True", "", ""});
  EXPECT_EQ(transition(moved), kNow);
  // Summed up first and corrected then: nothing has moved.
  moved.set({"Ready", "False", "Reason", ""});
  EXPECT_EQ(transition(moved), kThen);
  Conditions back = stored();
  back.remove("Ready");
  back.set({"Ready", "False", "Reason", ""});
  EXPECT_EQ(transition(back), kThen);
}

TEST(Conditions, ANewOneBeginsNow) {
  Conditions empty(Json(), kNow);
  empty.set({"Ready", "False", "", ""});
  EXPECT_EQ(transition(empty), kNow);
  EXPECT_FALSE(empty.find("Ready")->contains("reason"));
}

}  // namespace
}  // namespace nacelle::kube
