// runtime.h: the process's network loops, one thread each.
//
//   Runtime runtime(num_cores); runtime.start(); ...; runtime.stop(); runtime.join();
//
// Home:    thread-safe after construction.
#pragma once

#include <atomic>
#include <cstddef>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "async/loop.h"
#include "async/task.h"

namespace nacelle::async {

class Runtime {
 public:
  explicit Runtime(std::size_t num_loops);
  ~Runtime();  // stop() and join()
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  void start();
  void stop();  // any thread; loops end after the handler they are in
  void join();

  [[nodiscard]] std::size_t size() const { return loops_.size(); }
  [[nodiscard]] Loop& loop(std::size_t index) { return *loops_.at(index); }
  [[nodiscard]] Loop& next_loop() { return *loops_[next_++ % loops_.size()]; }  // round robin

 private:
  std::vector<std::unique_ptr<Loop>> loops_;
  std::vector<std::thread> threads_;
  std::atomic<std::size_t> next_{0};
};

// Runs `task` on `loop` and blocks the calling thread until it ends: for main functions and tests.
// Must not be called on a loop's thread. An exception of the task is thrown here.
template <class T>
T run_blocking(Loop& loop, Task<T> task);

}  // namespace nacelle::async

#include "async/run_blocking.inl"
