#include "control/local/spawn.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <string>

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

// The wait status of the child.
int ended(const Result<pid_t>& child) {
  int status = -1;
  EXPECT_TRUE(child.ok());
  if (child.ok()) ::waitpid(*child, &status, 0);
  return status;
}

std::atomic<int> handled{0};

TEST(Spawn, AChildBeginsWithNoHandlerAndNoMaskOfOurs) {
  struct sigaction ours {};
  struct sigaction before {};
  ours.sa_handler = [](int) { ++handled; };
  ASSERT_EQ(::sigaction(SIGTERM, &ours, &before), 0);
  sigset_t blocked;
  sigset_t mask;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &blocked, &mask), 0);
  SpawnPlan plan;
  plan.argv = {"/bin/sh", "-c", "kill -TERM $$; exit 3"};
  const int status = ended(spawn(plan));
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGTERM);
  sigset_t now;
  ASSERT_EQ(::pthread_sigmask(SIG_SETMASK, &mask, &now), 0);
  EXPECT_EQ(::sigismember(&now, SIGTERM), 1) << "ours is as it was";
  EXPECT_EQ(::sigismember(&now, SIGINT), 0);
  EXPECT_EQ(handled, 0);
  ::sigaction(SIGTERM, &before, nullptr);
}

TEST(Spawn, AChildThatCannotBeginLeavesUsAlone) {
  int fds[2];
  ASSERT_EQ(::pipe2(fds, O_CLOEXEC), 0);
  const OwnedFd read_end(fds[0]);
  OwnedFd write_end(fds[1]);
  SpawnPlan plan;
  plan.argv = {"/nowhere/at/all"};
  plan.error = write_end.get();
  const int status = ended(spawn(plan));
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 127);
  char text[256];
  const ssize_t got = ::read(read_end.get(), text, sizeof text);
  ASSERT_GT(got, 0);
  EXPECT_EQ(std::string(text, static_cast<std::size_t>(got)),
            "cannot start the program: /nowhere/at/all: No such file or directory\n");
  EXPECT_NE(::fcntl(write_end.get(), F_GETFD), -1);
}

TEST(Spawn, APreparedChildHasMemoryOfItsOwn) {
  int prepared = 0;
  SpawnPlan plan;
  plan.argv = {"/bin/true"};
  plan.prepare = [&prepared] {
    ++prepared;
    return true;
  };
  EXPECT_EQ(ended(spawn(plan)), 0);
  EXPECT_EQ(prepared, 0);
}

}  // namespace
}  // namespace nacelle::control
