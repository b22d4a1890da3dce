// breaker.h: how many requests and retries a cluster has in hand at most.
//
//   auto place = breaker.enter();      if (!place) -> 503, flag UO
//   auto again = breaker.enter_retry();
//
// Retries are allowed as a share of the requests in hand, so that a cluster in trouble is not
// asked several times as much; a few are always allowed.
//
// Home:    thread-safe; places give themselves back and keep nothing alive.
// Source:  gateway.md sections 17.2 and 17.3.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <utility>

#include "gateway/config/model.h"

namespace nacelle::gateway {

class Breaker {
 public:
  class Place {
   public:
    Place() = default;
    explicit Place(std::atomic<std::uint32_t>* count) : count_(count) {}
    Place(Place&& other) noexcept : count_(std::exchange(other.count_, nullptr)) {}
    Place& operator=(Place&& other) noexcept {
      std::swap(count_, other.count_);
      return *this;
    }
    ~Place() {
      if (count_ != nullptr) count_->fetch_sub(1, std::memory_order_relaxed);
    }
    explicit operator bool() const { return count_ != nullptr; }

   private:
    std::atomic<std::uint32_t>* count_ = nullptr;
  };

  explicit Breaker(const BreakerConfig& config) : config_(config) {}

  [[nodiscard]] Place enter() {
    return take(requests_, std::min(config_.max_requests, config_.max_connections));
  }
  [[nodiscard]] Place enter_retry() {
    const std::uint64_t share = std::uint64_t{requests()} * config_.retry_percent / 100;
    return take(retries_,
                static_cast<std::uint32_t>(std::max<std::uint64_t>(share, config_.min_retries)));
  }
  [[nodiscard]] std::uint32_t requests() const { return requests_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint32_t retries() const { return retries_.load(std::memory_order_relaxed); }

 private:
  static Place take(std::atomic<std::uint32_t>& count, std::uint32_t bound) {
    if (count.fetch_add(1, std::memory_order_relaxed) < bound) return Place(&count);
    count.fetch_sub(1, std::memory_order_relaxed);
    return Place();
  }

  const BreakerConfig config_;
  std::atomic<std::uint32_t> requests_{0}, retries_{0};
};

}  // namespace nacelle::gateway
