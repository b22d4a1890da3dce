// timer_wheel.h: very many coarse deadlines, most of which never fire.
//
// Each connection re-arms a deadline on every read, so arming is a list insertion and costs no
// system call. A deadline fires at the first tick at or after its time: never early, at most one
// tick late. Deadlines beyond the wheel's span wait in their slot for further turns.
//
// Home:    the loop that drives it. Not thread-safe. Pure: the caller passes the time.
// Source:  Varghese and Lauck, "Hashed and hierarchical timing wheels" (1987), scheme 6.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/clock.h"

namespace nacelle::async {

inline constexpr TimePoint kNoDeadline = TimePoint::max();

// A list node that its owner embeds. Unlinks itself on destruction.
class TimerNode {
 public:
  using Callback = void (*)(void* context);

  TimerNode(Callback callback, void* context) : callback_(callback), context_(context) {}
  TimerNode(const TimerNode&) = delete;
  TimerNode& operator=(const TimerNode&) = delete;
  ~TimerNode() { unlink(); }

  [[nodiscard]] bool armed() const { return next_ != nullptr; }

 private:
  friend class TimerWheel;
  TimerNode() = default;  // the head of a slot's ring
  void unlink();

  TimerNode* prev_ = nullptr;
  TimerNode* next_ = nullptr;
  std::uint64_t tick_ = 0;
  std::size_t* count_ = nullptr;  // the wheel's count of armed nodes
  Callback callback_ = nullptr;
  void* context_ = nullptr;
};

class TimerWheel {
 public:
  static constexpr std::chrono::milliseconds kTick{4};
  static constexpr std::size_t kSlots = 1024;  // one turn is about 4 s

  explicit TimerWheel(TimePoint origin);
  ~TimerWheel();

  // (Re)arms the node. kNoDeadline disarms it. Returns true when the node is now the one that
  // fires first, so that the driver has to wake up earlier than it planned. O(1).
  bool arm(TimerNode& node, TimePoint deadline);
  void disarm(TimerNode& node) { node.unlink(); }

  // Fires all nodes that are due. Callbacks may arm, disarm and destroy any node.
  void advance(TimePoint now);

  // When advance() has to be called next, at the latest; nullopt when nothing is armed.
  [[nodiscard]] std::optional<TimePoint> next_wakeup() const;

  [[nodiscard]] std::size_t num_armed() const { return num_armed_; }

 private:
  struct Slot {
    Slot();
    ~Slot();
    TimerNode head;  // of a ring; an empty slot points to itself
  };

  [[nodiscard]] std::uint64_t tick_of(TimePoint deadline) const;
  [[nodiscard]] std::optional<std::uint64_t> next_tick() const;
  static void link(TimerNode& head, TimerNode& node);
  // Moves the nodes of a slot that are due at `target` to the list `due`.
  void collect(std::size_t slot, std::uint64_t target, TimerNode& due);

  TimePoint origin_;
  std::uint64_t now_tick_ = 0;              // all ticks <= now_tick_ were processed
  std::uint64_t wakeup_tick_ = UINT64_MAX;  // earliest tick that the driver was told about
  std::size_t num_armed_ = 0;
  std::unique_ptr<std::array<Slot, kSlots>> slots_;
  std::array<std::uint64_t, kSlots / 64> occupied_{};  // may hold stale ones, cleared when visited
};

}  // namespace nacelle::async
