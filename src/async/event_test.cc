#include "async/event.h"

#include <gtest/gtest.h>

#include "async/async_test_util.h"
#include "async/task_scope.h"

namespace nacelle::async {
namespace {

TEST(Event, WaitReturnsAtOnceWhenSet) {
  OneLoop one;
  auto body = [](Loop* loop) -> Task<Status> {
    Event event(*loop);
    event.set();
    co_return co_await event.wait();
  };
  EXPECT_EQ(one.run(body(&one.loop())), Status());
}

TEST(Event, DeadlineEndsTheWait) {
  OneLoop one;
  auto body = [](Loop* loop) -> Task<Status> {
    Event event(*loop);
    co_return co_await event.wait(std::chrono::steady_clock::now() + 1ms);
  };
  EXPECT_EQ(one.run(body(&one.loop())).code(), Code::kDeadlineExceeded);
}

Task<void> count_when_set(Event* event, int* count) {
  const Status woken = co_await event->wait();
  if (woken.ok()) ++*count;
}

TEST(Event, SetWakesAllWaiters) {
  OneLoop one;
  auto body = [](Loop* loop) -> Task<int> {
    Event event(*loop);
    StopScope scope(*loop);
    int count = 0;
    for (int i = 0; i < 10; ++i) scope.spawn(count_when_set(&event, &count));
    loop->post([&event] { event.set(); });
    co_await scope.join();
    co_return count;
  };
  EXPECT_EQ(one.run(body(&one.loop())), 10);
}

}  // namespace
}  // namespace nacelle::async
