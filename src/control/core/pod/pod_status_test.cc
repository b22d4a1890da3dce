#include "control/core/pod/pod_status.h"

#include <gtest/gtest.h>

namespace nacelle::control::pod {
namespace {

Json status(const char* ready, const char* phase) {
  return {
      {"phase", phase},
      {"conditions",
       {{{"type", "Initialized"}, {"status", "True"}}, {{"type", "Ready"}, {"status", ready}}}}};
}

TEST(PodStatus, WhetherItServesIsWhatOthersWaitFor) {
  EXPECT_TRUE(changes_readiness(nullptr, status("False", "Pending"))) << "nothing was told yet";
  EXPECT_FALSE(changes_readiness(status("False", "Pending"), status("False", "Running")));
  EXPECT_TRUE(changes_readiness(status("False", "Running"), status("True", "Running")));
  EXPECT_FALSE(changes_readiness(status("True", "Running"), status("True", "Running")));
  EXPECT_TRUE(changes_readiness(status("True", "Running"), status("False", "Running")));
}

}  // namespace
}  // namespace nacelle::control::pod
