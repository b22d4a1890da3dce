// clock_shift.cc: a library to preload that moves the clock on the wall of a process.
//
// NACELLE_CLOCK_SHIFT names a file whose first eight bytes are seconds, a number of the machine's
// own byte order; they are added to what the process reads of CLOCK_REALTIME, and may change while
// it runs. Other clocks stay. What the kernel itself waits for by that clock does not move.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

using ClockGettime = int (*)(clockid_t, timespec*);

ClockGettime real_clock() {
  static std::atomic<ClockGettime> found{nullptr};
  ClockGettime real = found.load(std::memory_order_relaxed);
  if (real == nullptr) {
    real = reinterpret_cast<ClockGettime>(::dlsym(RTLD_NEXT, "clock_gettime"));
    found.store(real, std::memory_order_relaxed);
  }
  return real;
}

// Null without a file: the clock is as it is.
const std::atomic<std::int64_t>* map_shift() {
  const char* path = std::getenv("NACELLE_CLOCK_SHIFT");
  if (path == nullptr) return nullptr;
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return nullptr;
  void* at = ::mmap(nullptr, sizeof(std::int64_t), PROT_READ, MAP_SHARED, fd, 0);
  ::close(fd);
  return at == MAP_FAILED ? nullptr : static_cast<const std::atomic<std::int64_t>*>(at);
}

std::int64_t shift() {
  static const std::atomic<std::int64_t>* const seconds = map_shift();
  return seconds == nullptr ? 0 : seconds->load(std::memory_order_relaxed);
}

bool is_on_the_wall(clockid_t id) { return id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE; }

}  // namespace

extern "C" {

int clock_gettime(clockid_t id, timespec* out) noexcept {
  const int result = real_clock()(id, out);
  if (result == 0 && is_on_the_wall(id)) out->tv_sec += shift();
  return result;
}

int gettimeofday(timeval* out, void*) noexcept {
  timespec now{};
  const int result = clock_gettime(CLOCK_REALTIME, &now);
  if (result == 0) *out = {now.tv_sec, now.tv_nsec / 1000};
  return result;
}

time_t time(time_t* out) noexcept {
  timespec now{};
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}

int timespec_get(timespec* out, int base) noexcept {
  return base == TIME_UTC && clock_gettime(CLOCK_REALTIME, out) == 0 ? base : 0;
}

}  // extern "C"
