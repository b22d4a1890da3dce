#include "async/work_pool.h"

#include <pthread.h>

#include "base/check.h"

namespace nacelle::async {

WorkPool::WorkPool(std::size_t num_threads, std::size_t max_queued) : max_queued_(max_queued) {
  CHECK(num_threads > 0);
  threads_.reserve(num_threads);
  for (std::size_t i = 0; i < num_threads; ++i) {
    threads_.emplace_back([this] { work(); });
    pthread_setname_np(threads_.back().native_handle(), "work");
  }
}

WorkPool::~WorkPool() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ready_.notify_all();
  for (auto& thread : threads_) thread.join();
}

Status WorkPool::submit(std::unique_ptr<WorkPoolJob> job) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return cancelled("the work pool is shutting down");
    if (queue_.size() >= max_queued_) {
      return resource_exhausted("{} jobs wait for the work pool, its bound", max_queued_);
    }
    queue_.push_back(std::move(job));
  }
  ready_.notify_one();
  return {};
}

void WorkPool::work() {
  for (;;) {
    std::unique_ptr<WorkPoolJob> job;
    {
      std::unique_lock lock(mutex_);
      ready_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      job = std::move(queue_.front());
      queue_.pop_front();
    }
    job->run();
  }
}

}  // namespace nacelle::async
