#include "kernels/worker_pool.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <climits>
#include <filesystem>
#include <string>
#include <system_error>

#include "base/check.h"
#include "base/file.h"

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

// Spins until `ready` or the time is over; true when ready.
template <class Ready>
bool spin_until(Ready&& ready) {
  if (ready()) return true;
  const auto deadline = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < 64; ++i) {
      if (ready()) return true;
      pause_briefly();
    }
  } while (std::chrono::steady_clock::now() < deadline);
  return ready();
}

}  // namespace

WorkerPool::WorkerPool(std::size_t num_threads) : claim_(kClosed) {
  for (std::size_t i = 1; i < num_threads; ++i) {
    try {
      workers_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      break;  // the thread limit is reached: fewer threads, same results
    }
  }
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
  const std::uint64_t job = (claim_.load(std::memory_order_relaxed) >> 32) + 1;
  claim_.store(job << 32 | kClosed);  // before the fields change: see claim_ in the header
  num_tasks_.store(num_tasks);
  call_.store(call);
  object_.store(object);
  num_done_.store(0);
  claim_.store(job << 32);

  wake_.fetch_add(1);
  if (num_sleeping_.load() != 0) {
    const std::size_t useful = std::min(num_tasks - 1, workers_.size());
    futex_wake(wake_, static_cast<int>(useful));
  }

  take_tasks();

  const auto total = static_cast<std::uint32_t>(num_tasks);
  const auto all_done = [&] { return num_done_.load(std::memory_order_acquire) == total; };
  if (spin_until(all_done)) return;
  caller_sleeps_.store(true);
  for (std::uint32_t done = num_done_.load(); done != total; done = num_done_.load()) {
    futex_wait(num_done_, done);
  }
  caller_sleeps_.store(false);
}

bool WorkerPool::take_tasks() {
  bool any = false;
  std::uint64_t claim = claim_.load(std::memory_order_acquire);
  for (;;) {
    const std::uint64_t next = claim & 0xffffffffu;
    const std::uint64_t total = num_tasks_.load(std::memory_order_acquire);
    const Call call = call_.load(std::memory_order_acquire);
    void* object = object_.load(std::memory_order_acquire);
    if (next == kClosed || next >= total) return any;
    if (!claim_.compare_exchange_weak(claim, claim + 1, std::memory_order_acq_rel)) continue;
    call(object, next);
    any = true;
    // The caller may return, and destroy the task, as soon as the last count is visible; only the
    // pool itself is touched after it.
    const std::uint32_t done = num_done_.fetch_add(1) + 1;
    if (done == total && caller_sleeps_.load()) futex_wake(num_done_, 1);
    claim = claim_.load(std::memory_order_acquire);
  }
}

void WorkerPool::work() {
  std::uint32_t seen = 0;
  while (!stop_.load()) {
    seen = wake_.load();
    if (take_tasks()) continue;
    if (spin_until([&] { return wake_.load(std::memory_order_acquire) != seen; })) continue;
    num_sleeping_.fetch_add(1);
    if (!stop_.load()) futex_wait(wake_, seen);
    num_sleeping_.fetch_sub(1);
  }
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

std::optional<double> parse_cpu_max(std::string_view text) {
  double quota = 0;
  double period = 0;
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, quota);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != ' ') return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, period);
  if (second.ec != std::errc() || !(quota > 0) || !(period > 0)) return std::nullopt;
  return quota / period;
}

std::size_t threads_for_this_process() {
  std::size_t threads = std::max(1u, std::thread::hardware_concurrency());
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof(mask), &mask) == 0) {
    threads = static_cast<std::size_t>(std::max(1, CPU_COUNT(&mask)));
  }
  // Every group from ours up to the root may set a quota; the smallest holds.
  namespace fs = std::filesystem;
  constexpr std::size_t kMaxBytes = 1 << 16;
  std::string group = "/";
  if (Result<std::string> groups = read_file("/proc/self/cgroup", kMaxBytes); groups.ok()) {
    const std::size_t line = groups->find("0::");
    if (line != std::string::npos) {
      const std::size_t begin = line + 3;
      group = groups->substr(begin, groups->find('\n', begin) - begin);
    }
  }
  for (fs::path path = fs::path("/sys/fs/cgroup" + group);; path = path.parent_path()) {
    if (Result<std::string> text = read_file(path / "cpu.max", kMaxBytes); text.ok()) {
      if (const std::optional<double> cpus = parse_cpu_max(*text); cpus.has_value()) {
        const auto whole = static_cast<std::size_t>(std::max(1.0, *cpus));
        threads = std::min(threads, whole);
      }
    }
    if (path == "/sys/fs/cgroup" || !path.has_relative_path()) break;
  }
  return threads;
}

}  // namespace nacelle::kernels
