#include "async/work_pool.h"

#include <future>

#include <gtest/gtest.h>

#include "async/async_test_util.h"
#include "async/task_scope.h"

namespace nacelle::async {
namespace {

TEST(WorkPool, RunsElsewhereAndComesBackToTheLoop) {
  OneLoop one;
  WorkPool pool(2, 16);
  auto body = [](WorkPool* p) -> Task<bool> {
    Loop* home = Loop::current();
    const auto before = std::this_thread::get_id();
    auto there = co_await p->run([] { return std::this_thread::get_id(); });
    co_return there.ok() &&
        *there != before&& std::this_thread::get_id() == before&& Loop::current() == home;
  };
  EXPECT_TRUE(one.run(body(&pool)));
}

TEST(WorkPool, PassesStatusesAndExceptionsOn) {
  OneLoop one;
  WorkPool pool(1, 16);
  auto fail = [](WorkPool* p) -> Task<Result<int>> {
    co_return co_await p->run([]() -> Result<int> { return not_found("no such file"); });
  };
  EXPECT_EQ(one.run(fail(&pool)).error(), not_found("no such file"));
  auto raise = [](WorkPool* p) -> Task<Status> {
    co_return co_await p->run([] { throw std::runtime_error("boom"); });
  };
  EXPECT_EQ(one.run(raise(&pool)), internal("work on the pool threw: boom"));
}

Task<void> submit_one(WorkPool* pool, std::shared_future<void> gate, int* ran, int* refused) {
  auto wait = [gate] { gate.wait(); };
  const Status status = co_await pool->run(std::move(wait));
  ++*(status.ok() ? ran : refused);
}

TEST(WorkPool, RefusesBeyondItsBound) {
  OneLoop one;
  WorkPool pool(1, 3);
  std::promise<void> gate;
  auto body = [](WorkPool* p, std::promise<void>* open) -> Task<std::pair<int, int>> {
    StopScope scope(*Loop::current());
    std::shared_future<void> opened = open->get_future().share();
    int ran = 0, refused = 0;
    for (int i = 0; i < 10; ++i) scope.spawn(submit_one(p, opened, &ran, &refused));
    Event all_submitted(*Loop::current());
    Loop::current()->post([&all_submitted] { all_submitted.set(); });
    (void)co_await all_submitted.wait();
    open->set_value();
    co_await scope.join();
    co_return std::pair(ran, refused);
  };
  const auto [ran, refused] = one.run(body(&pool, &gate));
  EXPECT_EQ(ran + refused, 10);
  EXPECT_GE(refused, 6);  // one runs, three wait; the running one may not have left the queue yet
  EXPECT_GE(ran, 3);
}

}  // namespace
}  // namespace nacelle::async
