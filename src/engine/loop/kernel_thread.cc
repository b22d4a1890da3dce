#include "engine/loop/kernel_thread.h"

namespace nacelle::engine {

KernelThread::KernelThread(std::function<void()> begin, std::function<void()> work,
                           std::function<void()> done)
    : work_(std::move(work)), done_(std::move(done)), thread_([this, begin = std::move(begin)] {
        begin();
        run();
      }) {}

KernelThread::~KernelThread() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void KernelThread::launch() {
  {
    const std::lock_guard lock(mutex_);
    launched_ = true;
  }
  wake_.notify_one();
}

void KernelThread::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return launched_ || stop_; });
    if (!launched_) return;
    launched_ = false;
    lock.unlock();
    try {
      work_();
    } catch (...) {
      error_ = std::current_exception();
    }
    done_();
    lock.lock();
  }
}

}  // namespace nacelle::engine
