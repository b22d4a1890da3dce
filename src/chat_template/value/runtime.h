// runtime.h: the accounts of one rendering: steps left, bytes alive, stack used.
//
// Making a value never fails; it is only charged. Code that loops calls spend() on each round and
// so meets the limit soon; code whose result is much larger than its input calls reserve() first.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/result.h"
#include "base/status.h"
#include "chat_template/limits.h"
#include "chat_template/value/object.h"

namespace nacelle::chat_template {

// Values nested deeper than this are refused by everything that walks them (print, JSON, compare).
inline constexpr int kMaxValueDepth = 200;

// Stack one rendering may use. A thread has 8 MiB by default; the caller's frames need the rest.
// Frames of sanitizer builds are several times larger.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr std::size_t kMaxStackBytes = std::size_t{6} << 20;
#else
inline constexpr std::size_t kMaxStackBytes = std::size_t{2} << 20;
#endif

class Runtime {
 public:
  explicit Runtime(const RenderLimits& limits);
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // Uses up steps. out_of_range when none are left or the values alive are too large.
  Status spend(std::uint64_t steps) {
    steps_used_ += steps;
    if (steps_used_ <= limits_.max_steps && live_bytes_ <= limits_.max_memory_bytes) [[likely]] {
      return {};
    }
    return limit_status();
  }

  // Whether a value of `bytes` may be made now; charges nothing.
  Status reserve(std::size_t bytes) const;
  // The same for `count` pieces of `bytes` each, without overflow.
  Status reserve(std::size_t count, std::size_t bytes) const;

  // The stack of this thread must not grow further; out_of_range when it is too deep.
  Status check_stack() const {
    const auto* here = static_cast<const char*>(__builtin_frame_address(0));
    const auto used = here < stack_base_ ? stack_base_ - here : here - stack_base_;
    if (static_cast<std::size_t>(used) <= kMaxStackBytes) [[likely]]
      return {};
    return out_of_range("the chat template nests its calls and expressions too deeply");
  }

  [[nodiscard]] const RenderLimits& limits() const { return limits_; }
  [[nodiscard]] std::uint64_t steps_used() const { return steps_used_; }
  [[nodiscard]] std::size_t live_bytes() const { return live_bytes_; }

  // A new object, charged with its own size and `extra_bytes`.
  template <class T, class... Args>
  Ref<T> make(std::size_t extra_bytes, Args&&... args) {
    T* object = new T(*this, std::forward<Args>(args)...);
    charge(*object, sizeof(T) + extra_bytes);
    return Ref<T>(object);
  }

  // Adds to what an object is charged with (it has grown).
  void charge(Object& object, std::size_t bytes) {
    object.charged_bytes_ += bytes;
    live_bytes_ += bytes;
    steps_used_ += bytes / 64;
  }

 private:
  friend class Object;
  friend class CyclicObject;
  Status limit_status() const;
  void dispose(Object& object);

  RenderLimits limits_;
  std::uint64_t steps_used_ = 0;
  std::size_t live_bytes_ = 0;
  const char* stack_base_;
  CyclicObject* cyclic_ = nullptr;
  // Objects whose last reference went while another was being destroyed: a loop instead of a
  // recursion, so that a long chain of values cannot overflow the stack.
  Object* disposed_ = nullptr;
  bool disposing_ = false;
};

}  // namespace nacelle::chat_template
