// task_scope.h: owns running tasks; can ask them to stop and wait until they ended.
//
//   StopScope scope(loop); scope.spawn(work(scope)); ...; scope.stop(); co_await scope.join();
//
// Stopping has two strengths. stop() asks: stop_requested() turns true and sleepers in sleep() and
// waiters of stopped() wake. cancel() interrupts: the wait that each task is in ends with
// operation_aborted (a Status::cancelled from our own primitives) and its next wait throws, which
// unwinds the task; the scope swallows exactly that exception.
//
// Home:    one loop.
// Errors:  any other exception that leaves a task is a bug and ends the process with its message.
#pragma once

#include <cstddef>
#include <memory>

#include "async/event.h"
#include "async/loop.h"
#include "async/task.h"

namespace nacelle::async {

class StopScope {
 public:
  explicit StopScope(Loop& loop);
  ~StopScope();  // joined and empty: CHECKed
  StopScope(const StopScope&) = delete;
  StopScope& operator=(const StopScope&) = delete;

  [[nodiscard]] Loop& loop() { return *loop_; }

  // Starts the task in a turn of its own. After stop() new tasks still run: they look at the flag.
  void spawn(Task<void> task);

  [[nodiscard]] bool stop_requested() const { return stopped_.is_set(); }
  [[nodiscard]] Event& stopped() { return stopped_; }
  void stop() { stopped_.set(); }
  void cancel();

  // Waits until no task runs. The caller must not be one of the tasks.
  [[nodiscard]] Task<void> join();

  // Sleeps; false when stop() came first.
  [[nodiscard]] Task<bool> sleep(Duration duration);

  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  struct Running;  // one task's cancellation signal, in a list

  void ended(Running* running);

  Loop* loop_;
  Event stopped_;
  Event empty_;
  Running* first_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace nacelle::async
