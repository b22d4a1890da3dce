// kernel_thread.h: the thread on which a step's forward pass and sampling run, so that the engine
// loop has its hands free meanwhile.
//
// It is the one caller of the model and of its worker pool. It sleeps between steps: the loop needs
// the processor then.
//
// Home:    the engine loop, which owns it and calls launch(); `done` runs on the kernel thread.
// Errors:  what `work` throws is kept for take_error().
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

namespace nacelle::engine {

class KernelThread {
 public:
  // Starts the thread, which calls `begin`; throws std::system_error when there is none to be had.
  // launch() runs `work`, then `done`, which must not throw, nor must `begin`.
  KernelThread(std::function<void()> begin, std::function<void()> work, std::function<void()> done);
  // Waits for work in progress.
  ~KernelThread();
  KernelThread(const KernelThread&) = delete;
  KernelThread& operator=(const KernelThread&) = delete;

  // Only after `done` of the launch before. What the caller wrote before is visible to `work`.
  void launch();

  // After `done`: what `work` threw, once; null when it returned.
  [[nodiscard]] std::exception_ptr take_error() { return std::exchange(error_, nullptr); }

 private:
  void run();

  std::function<void()> work_, done_;
  std::exception_ptr error_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool launched_ = false, stop_ = false;
  std::thread thread_;  // last: it uses everything above
};

}  // namespace nacelle::engine
