#include "control/core/restart_policy.h"

#include <gtest/gtest.h>

namespace nacelle::control {
namespace {

TEST(RestartPolicy, DoublesUpToTheMaximumAndForgetsAfterAHealthyRun) {
  RestartState state({.initial = 1s, .maximum = 10s, .healthy_after = 60s});
  const auto wait = [&](Duration uptime) { return state.on_exit(uptime) / 1s; };
  EXPECT_EQ(wait(1s), 1);
  EXPECT_EQ(wait(1s), 2);
  EXPECT_EQ(wait(1s), 4);
  EXPECT_EQ(wait(1s), 8);
  EXPECT_EQ(wait(1s), 10);
  EXPECT_EQ(wait(1s), 10);
  EXPECT_EQ(wait(60s), 1);
  EXPECT_EQ(wait(59s), 2);
  for (int i = 0; i < 1000; ++i) EXPECT_LE(wait(0s), 10);
}

}  // namespace
}  // namespace nacelle::control
