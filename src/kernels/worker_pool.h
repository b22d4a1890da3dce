// worker_pool.h: fork-join over a fixed set of threads, for the loops inside kernels.
//
// run() hands task indices 0..num_tasks-1 to whichever thread is free; the caller takes part and
// returns when all are done. Which thread runs a task never shows in the result: kernels split
// their work so that each output element is made by one task.
//
// Between runs the workers spin for about 50 us, so that the next layer finds them awake, and then
// sleep on a futex: an idle pool uses no processor time.
//
// Threads float or are bound to CPUs as the ThreadPlan says (threads/choose_cpus.h has the
// reasons).
//
// Home:    one caller thread at a time (the engine loop). Tasks must not call run() of their pool.
// Errors:  none; a thread that the system refuses to start is left out, so num_threads() can be
//          smaller than asked.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <thread>
#include <type_traits>
#include <vector>

#include "kernels/threads/plan_threads.h"
#include "tensor/buffer.h"

namespace nacelle::kernels {

class WorkerPool {
 public:
  // `num_threads` counts the caller; 0 and 1 both mean that every run is inline.
  explicit WorkerPool(std::size_t num_threads);
  // One thread per CPU of the plan, the caller included; workers are bound where the plan says so.
  explicit WorkerPool(const ThreadPlan& plan);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  [[nodiscard]] std::size_t num_threads() const { return workers_.size() + 1; }

  // Binds the calling thread to the first CPU of a bound plan. The engine loop does this when it
  // starts: it runs tasks like any worker, and elsewhere it could share a core with one. Start-up
  // threads, which call run() before, stay free.
  void bind_caller() const;

  // Calls task(i) once for each i < num_tasks, in no stated order, and waits for all of them.
  template <class Task>
  void run(std::size_t num_tasks, Task&& task) {
    using Plain = std::remove_reference_t<Task>;
    run_erased(
        num_tasks, [](void* object, std::size_t index) { (*static_cast<Plain*>(object))(index); },
        const_cast<void*>(static_cast<const void*>(&task)));
  }

  // Calls range(begin, end) over pieces that tile [0, count), each at least `grain` long except
  // perhaps the last. One piece, inline, when count <= grain.
  template <class Range>
  void run_ranges(std::size_t count, std::size_t grain, Range&& range) {
    if (count == 0) return;
    const std::size_t step = range_step(count, grain);
    run((count + step - 1) / step, [&](std::size_t piece) {
      const std::size_t begin = piece * step;
      range(begin, begin + step < count ? begin + step : count);
    });
  }

  // What a later run reads first, as its tasks begin: task i at data + i * task_bytes. Threads that
  // wait for work until then bring theirs into the cache, up to `size_bytes` each, so that small
  // products that follow each other do not wait for memory at every start. Only advice: the memory
  // may even be gone.
  struct ReadAhead {
    const std::byte* data = nullptr;
    std::size_t task_bytes = 0;
    std::size_t size_bytes = 0;
  };
  void read_ahead(const ReadAhead& next);

  // Memory of the caller, kept between runs; contents are lost and the address may change when it
  // is asked for again. Aligned to 64 bytes. For ops that rearrange their input first.
  [[nodiscard]] std::byte* scratch(std::size_t size_bytes);

 private:
  using Call = void (*)(void* object, std::size_t index);

  void run_erased(std::size_t num_tasks, Call call, void* object);
  [[nodiscard]] std::size_t range_step(std::size_t count, std::size_t grain) const;
  void work(std::size_t index);
  // Runs tasks of the current job until none is left to claim; returns how many it ran.
  std::uint32_t take_tasks();
  // Returns when the workers have run `num_tasks` tasks of the current job.
  void wait_for_workers(std::uint32_t num_tasks);

  // How far a thread is with the advice that it saw last.
  struct Reader {
    std::size_t index;  // of the thread; the caller is 0
    std::uint32_t advice = 0;
    std::size_t at = 0;
    std::size_t end = 0;
  };
  // Asks for the next piece of memory, if any is left.
  void read_some(Reader& reader) const;

  void start_workers(std::size_t num_threads, const std::vector<CpuNumber>& cpus);

  // The job, in one cache line: a worker that sees it has all of it. `claim_` holds the job's
  // number in its upper half and the next free task in its lower half, kClosed while the caller
  // changes the other fields; a compare-and-swap that succeeds thus proves that the fields read
  // before it belong to the job.
  alignas(64) std::atomic<std::uint64_t> claim_;
  std::atomic<std::uint64_t> num_tasks_{0};
  std::atomic<Call> call_{nullptr};
  std::atomic<void*> object_{nullptr};
  std::atomic<std::uint32_t> wake_{0};  // futex word: changes with each job and at the end
  std::atomic<std::uint32_t> num_sleeping_{0};
  std::atomic<bool> stop_{false};
  // What the caller waits for, in another: tasks that workers have run. A worker adds what it did
  // when nothing is left to claim.
  alignas(64) std::atomic<std::uint32_t> num_done_{0};
  std::atomic<bool> caller_sleeps_{false};

  // Advice for waiting threads. Its fields may be seen mixed: a prefetch of nonsense does nothing.
  alignas(64) std::atomic<std::uint32_t> advice_{0};  // changes with each one
  std::atomic<std::uintptr_t> ahead_data_{0};
  std::atomic<std::size_t> ahead_task_bytes_{0};
  std::atomic<std::size_t> ahead_size_bytes_{0};

  alignas(64) std::vector<std::thread> workers_;
  std::optional<CpuNumber> callers_cpu_;  // nullopt = not bound
  Buffer scratch_;
  Reader caller_{.index = 0};
};

}  // namespace nacelle::kernels
