// work_pool.h: threads for work that blocks or computes for longer than about a millisecond.
//
//   auto work = [text = std::move(text)] { return encode(text); };
//   Result<std::vector<TokenId>> ids = co_await pool.run(std::move(work));
//
// The coroutine continues on the loop that it left. Name the lambda before the await, as above: GCC
// 12 destroys a temporary closure within a co_await expression twice.
//
// Home:    run() on any loop; fn runs on a pool thread and must not touch the loop's objects.
// Bound:   `max_queued` jobs wait; beyond it run() returns resource_exhausted without running fn.
// Errors:  fn's Result or Status is passed through; an exception of fn becomes Status::internal.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "async/flat_result.h"
#include "async/loop.h"
#include "async/task.h"
#include "async/waiter.h"
#include "base/result.h"

namespace nacelle::async {

class WorkPoolJob {
 public:
  virtual ~WorkPoolJob() = default;
  virtual void run() noexcept = 0;
};

class WorkPool {
 public:
  WorkPool(std::size_t num_threads, std::size_t max_queued);
  ~WorkPool();  // runs what is queued, then joins

  // Task<Result<R>> for fn returning R or Result<R>; Task<Status> for fn returning void or Status.
  // fn is moved to the pool thread and owns what it captures.
  template <class F>
  [[nodiscard]] Task<FlatResult<std::invoke_result_t<F&>>> run(F fn);

  // The same without a coroutine: `job` runs on a pool thread. Any thread.
  Status submit(std::unique_ptr<WorkPoolJob> job);

  [[nodiscard]] std::size_t num_threads() const { return threads_.size(); }

 private:
  void work();

  const std::size_t max_queued_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::unique_ptr<WorkPoolJob>> queue_;  // guarded
  bool stopping_ = false;                           // guarded
  std::vector<std::thread> threads_;
};

}  // namespace nacelle::async

#include "async/work_pool.inl"
