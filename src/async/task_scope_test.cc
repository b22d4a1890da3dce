#include "async/task_scope.h"

#include <gtest/gtest.h>

#include "async/async_test_util.h"
#include "async/timer.h"

namespace nacelle::async {
namespace {

Task<void> until_stopped(StopScope* scope, int* ended) {
  bool slept = true;
  while (slept) slept = co_await scope->sleep(3600s);
  ++*ended;
}

TEST(StopScope, StopWakesSleepersAndJoinWaitsForThem) {
  OneLoop one;
  auto body = [](Loop* loop) -> Task<int> {
    StopScope scope(*loop);
    int ended = 0;
    for (int i = 0; i < 5; ++i) scope.spawn(until_stopped(&scope, &ended));
    scope.stop();
    co_await scope.join();
    co_return ended;
  };
  EXPECT_EQ(one.run(body(&one.loop())), 5);
}

struct Unwound {
  int* count;
  ~Unwound() { ++*count; }
};

Task<void> sleeps_for_long(int* unwound) {
  Unwound guard{unwound};
  co_await sleep_for(3600s);
  co_await sleep_for(3600s);  // throws after cancel()
  ADD_FAILURE() << "not reached";
}

Task<void> waits_for_event(Event* event, int* unwound) {
  Unwound guard{unwound};
  const Status status = co_await event->wait();
  EXPECT_EQ(status.code(), Code::kCancelled);
}

TEST(StopScope, CancelInterruptsTheWaitsOfAllTasks) {
  OneLoop one;
  auto body = [](Loop* loop) -> Task<int> {
    StopScope scope(*loop);
    Event never(*loop);
    int unwound = 0;
    scope.spawn(sleeps_for_long(&unwound));
    scope.spawn(waits_for_event(&never, &unwound));
    co_await sleep_for(0ms);
    scope.spawn(waits_for_event(&never, &unwound));  // cancelled before its first turn
    scope.cancel();
    co_await scope.join();
    co_return unwound;
  };
  EXPECT_EQ(one.run(body(&one.loop())), 3);
}

}  // namespace
}  // namespace nacelle::async
