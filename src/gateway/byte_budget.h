// byte_budget.h: how many bytes of bodies the whole process holds at once.
//
// Home:    thread-safe. A Share gives its bytes back when it ends.
// Bound:   grow() fails beyond the budget; the request is then refused with 503.
#pragma once

#include <atomic>
#include <cstddef>
#include <utility>

namespace nacelle::gateway {

class ByteBudget {
 public:
  class Share {
   public:
    Share() = default;
    explicit Share(ByteBudget& budget) : budget_(&budget) {}
    Share(Share&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    Share& operator=(Share&& other) noexcept {
      std::swap(budget_, other.budget_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Share() {
      if (bytes_ > 0) budget_->used_.fetch_sub(bytes_, std::memory_order_relaxed);
    }
    // Makes the share at least `bytes` large.
    [[nodiscard]] bool grow(std::size_t bytes) {
      if (bytes <= bytes_) return true;
      const std::size_t more = bytes - bytes_;
      if (budget_->used_.fetch_add(more, std::memory_order_relaxed) + more >
          budget_->limit_.load(std::memory_order_relaxed)) {
        budget_->used_.fetch_sub(more, std::memory_order_relaxed);
        return false;
      }
      bytes_ = bytes;
      return true;
    }

   private:
    ByteBudget* budget_ = nullptr;
    std::size_t bytes_ = 0;
  };

  explicit ByteBudget(std::size_t limit) : limit_(limit) {}
  void set_limit(std::size_t limit) { limit_.store(limit, std::memory_order_relaxed); }
  [[nodiscard]] std::size_t used() const { return used_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::size_t limit() const { return limit_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::size_t> used_{0};
  std::atomic<std::size_t> limit_;
};

}  // namespace nacelle::gateway
