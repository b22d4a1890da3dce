#include "kernels/worker_pool.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <system_error>

#include "base/check.h"
#include "kernels/threads/affinity.h"

namespace nacelle::kernels {
namespace {

constexpr std::uint64_t kClosed = 0xffffffffu;  // lower half of claim_: nothing to take
constexpr std::chrono::microseconds kSpin{50};

static_assert(std::atomic<std::uint32_t>::is_always_lock_free);
static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));

// Sleeps while `word` holds `expected`. May return early.
void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t expected) {
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
}

void futex_wake(std::atomic<std::uint32_t>& word, int count) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}

void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Spins until `ready` or the time is over; true when ready. Calls `meanwhile` now and then.
template <class Ready, class Meanwhile>
bool spin_until(Ready&& ready, Meanwhile&& meanwhile) {
  if (ready()) return true;
  const auto deadline = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < 64; ++i) {
      if (ready()) return true;
      pause_briefly();
      meanwhile();
    }
  } while (std::chrono::steady_clock::now() < deadline);
  return ready();
}

}  // namespace

WorkerPool::WorkerPool(std::size_t num_threads) : claim_(kClosed) {
  start_workers(num_threads, {});
}

WorkerPool::WorkerPool(const ThreadPlan& plan) : claim_(kClosed) {
  if (plan.bound && !plan.cpus.empty()) callers_cpu_ = plan.cpus.front();
  start_workers(plan.num_threads(), plan.bound ? plan.cpus : std::vector<CpuNumber>());
}

void WorkerPool::start_workers(std::size_t num_threads, const std::vector<CpuNumber>& cpus) {
  for (std::size_t i = 1; i < num_threads; ++i) {
    const std::optional<CpuNumber> cpu = i < cpus.size() ? std::optional(cpus[i]) : std::nullopt;
    try {
      workers_.emplace_back([this, cpu, i] {
        if (cpu) (void)bind_this_thread(*cpu);  // refused: it floats, with the same results
        work(i);
      });
      pthread_setname_np(workers_.back().native_handle(), "kernels");
    } catch (const std::system_error&) {
      break;  // the thread limit is reached: fewer threads, same results
    }
  }
}

void WorkerPool::bind_caller() const {
  if (callers_cpu_) (void)bind_this_thread(*callers_cpu_);
}

WorkerPool::~WorkerPool() {
  stop_.store(true);
  wake_.fetch_add(1);
  futex_wake(wake_, INT_MAX);
  for (std::thread& worker : workers_) worker.join();
}

void WorkerPool::run_erased(std::size_t num_tasks, Call call, void* object) {
  CHECK(num_tasks < kClosed);
  if (workers_.empty() || num_tasks <= 1) {
    for (std::size_t i = 0; i < num_tasks; ++i) call(object, i);
    return;
  }
  // Release stores in this order, acquire loads in take_tasks(): who reads a field of the new job
  // also sees that the claim is closed. On x86 these are plain moves.
  constexpr auto kRelease = std::memory_order_release;
  const std::uint64_t job = (claim_.load(std::memory_order_relaxed) >> 32) + 1;
  claim_.store(job << 32 | kClosed, kRelease);
  num_tasks_.store(num_tasks, kRelease);
  call_.store(call, kRelease);
  object_.store(object, kRelease);
  num_done_.store(0, kRelease);
  claim_.store(job << 32, kRelease);

  // Sequentially consistent with work(): it sees the new word, or this sees it sleeping.
  wake_.fetch_add(1);
  if (num_sleeping_.load() != 0) {
    const std::size_t useful = std::min(num_tasks - 1, workers_.size());
    futex_wake(wake_, static_cast<int>(useful));
  }

  const std::uint32_t own = take_tasks();
  wait_for_workers(static_cast<std::uint32_t>(num_tasks) - own);
}

void WorkerPool::wait_for_workers(std::uint32_t num_tasks) {
  const auto all_done = [&] { return num_done_.load(std::memory_order_acquire) == num_tasks; };
  if (spin_until(all_done, [&] { read_some(caller_); })) return;
  caller_sleeps_.store(true);
  for (std::uint32_t done = num_done_.load(); done != num_tasks; done = num_done_.load()) {
    futex_wait(num_done_, done);
  }
  caller_sleeps_.store(false);
}

std::uint32_t WorkerPool::take_tasks() {
  constexpr auto kAcquire = std::memory_order_acquire;
  std::uint32_t count = 0;
  std::uint64_t claim = claim_.load(kAcquire);
  for (;;) {
    const std::uint64_t next = claim & 0xffffffffu;
    const std::uint64_t total = num_tasks_.load(kAcquire);
    const Call call = call_.load(kAcquire);
    void* object = object_.load(kAcquire);
    if (next == kClosed || next >= total) return count;
    if (!claim_.compare_exchange_weak(claim, claim + 1, std::memory_order_acq_rel, kAcquire)) {
      continue;
    }
    call(object, next);
    ++count;
    claim = claim_.load(kAcquire);
  }
}

void WorkerPool::work(std::size_t index) {
  Reader reader{.index = index};
  std::uint32_t seen = 0;
  while (!stop_.load()) {
    seen = wake_.load();
    if (const std::uint32_t count = take_tasks(); count > 0) {
      // The job cannot change before this: its caller waits for the count. It may return, and
      // destroy the task, as soon as the count is visible; only the pool is touched after it.
      num_done_.fetch_add(count);
      if (caller_sleeps_.load()) futex_wake(num_done_, 1);
      continue;
    }
    const auto woken = [&] { return wake_.load(std::memory_order_acquire) != seen; };
    if (spin_until(woken, [&] { read_some(reader); })) continue;
    num_sleeping_.fetch_add(1);
    if (!stop_.load()) futex_wait(wake_, seen);
    num_sleeping_.fetch_sub(1);
  }
}

void WorkerPool::read_ahead(const ReadAhead& next) {
  if (workers_.empty()) return;
  ahead_data_.store(reinterpret_cast<std::uintptr_t>(next.data), std::memory_order_relaxed);
  ahead_task_bytes_.store(next.task_bytes, std::memory_order_relaxed);
  ahead_size_bytes_.store(next.size_bytes, std::memory_order_relaxed);
  advice_.fetch_add(1, std::memory_order_release);
}

void WorkerPool::read_some(Reader& reader) const {
  constexpr std::size_t kLine = 64;
  constexpr std::size_t kLines = 4;  // what a core has in flight does not block the next look
  const std::uint32_t advice = advice_.load(std::memory_order_acquire);
  if (advice != reader.advice) {
    reader.advice = advice;
    reader.at = reader.index * ahead_task_bytes_.load(std::memory_order_relaxed);
    reader.end = reader.at + ahead_size_bytes_.load(std::memory_order_relaxed);
  }
  if (reader.at >= reader.end) return;
  const auto* place =
      reinterpret_cast<const std::byte*>(ahead_data_.load(std::memory_order_relaxed) + reader.at);
  for (std::size_t i = 0; i < kLines; ++i) __builtin_prefetch(place + i * kLine, 0, 2);
  reader.at += kLines * kLine;
}

std::size_t WorkerPool::range_step(std::size_t count, std::size_t grain) const {
  // Four pieces per thread even out unequal speed; fewer when they would be below the grain.
  const std::size_t pieces = num_threads() == 1 ? 1 : num_threads() * 4;
  return std::max({grain, (count + pieces - 1) / pieces, std::size_t{1}});
}

std::byte* WorkerPool::scratch(std::size_t size_bytes) {
  if (scratch_.size() < size_bytes) {
    scratch_ = Buffer();  // give the old one back first
    Result<Buffer> larger = Buffer::allocate(std::max(size_bytes, std::size_t{1} << 20));
    CHECK(larger.ok());  // a few MiB: the address space has room, or nothing else works either
    scratch_ = std::move(larger).value();
  }
  return scratch_.data();
}

}  // namespace nacelle::kernels
