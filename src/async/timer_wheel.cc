#include "async/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace nacelle::async {

void TimerNode::unlink() {
  if (next_ == nullptr) return;
  next_->prev_ = prev_;
  prev_->next_ = next_;
  next_ = prev_ = nullptr;
  if (count_ != nullptr) --*count_;
}

TimerWheel::TimerWheel(TimePoint origin)
    : origin_(origin), slots_(std::make_unique<std::array<Slot, kSlots>>()) {}

TimerWheel::~TimerWheel() {
  for (Slot& slot : *slots_) {
    while (slot.head.next_ != &slot.head) slot.head.next_->unlink();
  }
}

TimerWheel::Slot::Slot() { head.prev_ = head.next_ = &head; }

TimerWheel::Slot::~Slot() { head.prev_ = head.next_ = nullptr; }

std::uint64_t TimerWheel::tick_of(TimePoint deadline) const {
  if (deadline <= origin_) return 0;
  const auto past = static_cast<std::uint64_t>((deadline - origin_).count());
  constexpr auto kTickCount = static_cast<std::uint64_t>(Duration(kTick).count());
  return past / kTickCount + (past % kTickCount != 0 ? 1 : 0);
}

bool TimerWheel::arm(TimerNode& node, TimePoint deadline) {
  node.unlink();
  if (deadline == kNoDeadline) return false;
  node.tick_ = std::max(tick_of(deadline), now_tick_ + 1);
  const std::size_t slot = node.tick_ % kSlots;
  link((*slots_)[slot].head, node);
  node.count_ = &num_armed_;
  ++num_armed_;
  occupied_[slot / 64] |= std::uint64_t{1} << (slot % 64);
  if (node.tick_ >= wakeup_tick_) return false;
  wakeup_tick_ = node.tick_;
  return true;
}

void TimerWheel::link(TimerNode& head, TimerNode& node) {
  node.prev_ = head.prev_;
  node.next_ = &head;
  head.prev_->next_ = &node;
  head.prev_ = &node;
}

void TimerWheel::advance(TimePoint now) {
  // Round down: a tick is due when its whole time has passed.
  if (now < origin_) return;
  const auto target = static_cast<std::uint64_t>((now - origin_) / Duration(kTick));
  Slot due;  // moved here first: callbacks may arm nodes into the slot that is being visited
  if (target > now_tick_) {
    const std::uint64_t last = std::min(target, now_tick_ + kSlots);
    for (std::uint64_t tick = now_tick_ + 1; tick <= last; ++tick) {
      collect(tick % kSlots, target, due.head);
    }
    now_tick_ = target;
  }
  while (due.head.next_ != &due.head) {
    TimerNode& node = *due.head.next_;
    node.unlink();
    node.callback_(node.context_);
  }
  const auto next = next_tick();
  wakeup_tick_ = next.value_or(UINT64_MAX);
}

void TimerWheel::collect(std::size_t slot, std::uint64_t target, TimerNode& due) {
  const std::uint64_t bit = std::uint64_t{1} << (slot % 64);
  if ((occupied_[slot / 64] & bit) == 0) return;
  TimerNode& head = (*slots_)[slot].head;
  bool left = false;
  for (TimerNode* node = head.next_; node != &head;) {
    TimerNode* following = node->next_;
    if (node->tick_ <= target) {
      node->prev_->next_ = node->next_;
      node->next_->prev_ = node->prev_;
      link(due, *node);
    } else {
      left = true;
    }
    node = following;
  }
  if (!left) occupied_[slot / 64] &= ~bit;
}

std::optional<std::uint64_t> TimerWheel::next_tick() const {
  if (num_armed_ == 0) return std::nullopt;
  // The first occupied slot after now. Its nodes may belong to a later turn; then the wake-up finds
  // nothing due, which costs one wake-up per turn of the wheel.
  const std::size_t start = (now_tick_ + 1) % kSlots;
  for (std::size_t step = 0; step < kSlots;) {
    const std::size_t slot = (start + step) % kSlots;
    const std::uint64_t word = occupied_[slot / 64] >> (slot % 64);
    if (word != 0) {
      const std::size_t found = step + static_cast<std::size_t>(std::countr_zero(word));
      return now_tick_ + 1 + std::min(found, kSlots - 1);
    }
    step += 64 - slot % 64;
  }
  return now_tick_ + kSlots;  // cannot happen while something is armed
}

std::optional<TimePoint> TimerWheel::next_wakeup() const {
  if (num_armed_ == 0 || wakeup_tick_ == UINT64_MAX) return std::nullopt;
  return origin_ + Duration(kTick) * static_cast<Duration::rep>(wakeup_tick_);
}

}  // namespace nacelle::async
