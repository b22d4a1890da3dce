#include "async/timer.h"

#include <gtest/gtest.h>

#include "async/async_test_util.h"
#include "async/event.h"

namespace nacelle::async {
namespace {

Task<int> answer() { co_return 42; }

Task<Result<int>> refuse() { co_return not_found("nothing here"); }

Task<int> never(bool* unwound) {
  struct Guard {
    bool* flag;
    ~Guard() { *flag = true; }
  } guard{unwound};
  for (;;) co_await sleep_for(3600s);
}

TEST(WithDeadline, PassesAResultThrough) {
  OneLoop one;
  auto body = []() -> Task<Result<int>> {
    co_return co_await with_deadline(answer(), std::chrono::steady_clock::now() + 3600s, "answer");
  };
  EXPECT_EQ(*one.run(body()), 42);
}

TEST(WithDeadline, PassesAnErrorThroughFlat) {
  OneLoop one;
  auto body = []() -> Task<Result<int>> {
    co_return co_await with_deadline(refuse(), std::chrono::steady_clock::now() + 3600s, "refuse");
  };
  EXPECT_EQ(one.run(body()).error(), not_found("nothing here"));
}

TEST(WithDeadline, CancelsTheOperationAndWaitsForItsEnd) {
  OneLoop one;
  auto body = [](bool* unwound) -> Task<Status> {
    auto result =
        co_await with_deadline(never(unwound), std::chrono::steady_clock::now() + 1ms, "waiting");
    EXPECT_TRUE(*unwound);
    co_return result.error();
  };
  bool unwound = false;
  EXPECT_EQ(one.run(body(&unwound)), deadline_exceeded("waiting did not finish in time"));
}

Task<int> nested(bool* unwound) {
  auto inner =
      co_await with_deadline(never(unwound), std::chrono::steady_clock::now() + 3600s, "inner");
  EXPECT_FALSE(inner.ok());
  co_return 1;
}

TEST(WithDeadline, CancellationReachesNestedOperations) {
  OneLoop one;
  auto body = [](bool* unwound) -> Task<Status> {
    auto result =
        co_await with_deadline(nested(unwound), std::chrono::steady_clock::now() + 1ms, "outer");
    co_await sleep_for(0ms);
    co_return result.error();
  };
  bool unwound = false;
  (void)one.run(body(&unwound));
  one.run(sleep_for(0ms));
  EXPECT_TRUE(unwound);
}

}  // namespace
}  // namespace nacelle::async
