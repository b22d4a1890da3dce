#include "control/local/spawn.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace nacelle::control {
namespace {

TEST(Spawn, AChildHoldsNothingOpenButItsStreams) {
  int fds[2];
  ASSERT_EQ(::pipe(fds), 0);  // as an accepted connection: no O_CLOEXEC
  const OwnedFd ours(fds[0]);
  OwnedFd theirs(fds[1]);
  SpawnPlan plan;
  plan.argv = {"/bin/sleep", "600"};
  const auto child = spawn(plan);
  ASSERT_TRUE(child.ok()) << child.error().message();
  theirs.reset();
  pollfd end{ours.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&end, 1, 30'000), 1) << "the child has it still";
  EXPECT_NE(end.revents & POLLHUP, 0);
  ::kill(*child, SIGKILL);
  ::waitpid(*child, nullptr, 0);
}

}  // namespace
}  // namespace nacelle::control
