#include "async/signals.h"

#include <csignal>

#include <gtest/gtest.h>

#include "async/async_test_util.h"

namespace nacelle::async {
namespace {

TEST(TerminationSignals, DeliversSignalsInsteadOfDying) {
  OneLoop one;
  auto body = [](Loop* loop) -> Task<int> {
    TerminationSignals signals(*loop);
    ::raise(SIGTERM);
    const int first = co_await signals.next();
    ::raise(SIGINT);
    const int second = co_await signals.next();
    co_return first * 100 + second;
  };
  EXPECT_EQ(one.run(body(&one.loop())), SIGTERM * 100 + SIGINT);
}

}  // namespace
}  // namespace nacelle::async
