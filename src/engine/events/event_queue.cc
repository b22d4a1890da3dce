#include "engine/events/event_queue.h"

#include <algorithm>
#include <utility>

namespace nacelle::engine {
namespace {

constexpr std::size_t kMaxRing = 4096;
constexpr std::uint32_t kKeptBlocks = 4096;  // a log of a larger burst gives its memory back

}  // namespace

EventQueue::EventQueue(std::size_t max_logs)
    : ring_(std::clamp<std::size_t>(max_logs, 1, kMaxRing)), spare_() {
  spare_.reserve(kSpareLogs);
}

bool EventQueue::hand_over(CacheEventLog& log) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock() || count_ == ring_.size() || queued_blocks_ > kMaxQueuedBlocks)
    return false;
  queued_blocks_ += log.num_blocks();
  CacheEventLog& place = ring_[(first_ + count_++) % ring_.size()];
  std::swap(place, log);  // what was in the place is empty
  if (!spare_.empty()) {
    std::swap(log, spare_.back());
    spare_.pop_back();
  }
  return true;
}

bool EventQueue::take(CacheEventLog& log) {
  const std::lock_guard lock(mutex_);
  if (count_ == 0) return false;
  std::swap(log, ring_[first_]);
  queued_blocks_ -= log.num_blocks();
  first_ = (first_ + 1) % ring_.size();
  --count_;
  return true;
}

void EventQueue::give_back(CacheEventLog log) {
  log.clear();
  log.shrink(kKeptBlocks);
  const std::lock_guard lock(mutex_);
  if (spare_.size() < kSpareLogs) spare_.push_back(std::move(log));
}

std::size_t EventQueue::size() const {
  const std::lock_guard lock(mutex_);
  return count_;
}

}  // namespace nacelle::engine
