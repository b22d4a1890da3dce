#include "async/runtime.h"

#include <pthread.h>

#include <fmt/format.h>

namespace nacelle::async {

Runtime::Runtime(std::size_t num_loops) {
  CHECK(num_loops > 0);
  loops_.reserve(num_loops);
  for (std::size_t i = 0; i < num_loops; ++i) loops_.push_back(std::make_unique<Loop>(i));
}

Runtime::~Runtime() {
  stop();
  join();
}

void Runtime::start() {
  CHECK(threads_.empty());
  threads_.reserve(loops_.size());
  for (auto& loop : loops_) {
    threads_.emplace_back([&loop] { loop->run(); });
    const std::string name = fmt::format("loop-{}", loop->index());
    pthread_setname_np(threads_.back().native_handle(), name.c_str());
  }
}

void Runtime::stop() {
  for (auto& loop : loops_) loop->stop();
}

void Runtime::join() {
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  threads_.clear();
}

}  // namespace nacelle::async
