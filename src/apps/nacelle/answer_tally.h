// answer_tally.h: how many requests came for a pool, how many answers its endpoints gave, and how
// many of them failed.
//
// One attempt at an endpoint is one answer. It failed when its status is 5xx, when it could not be
// reached or broke off, and when no endpoint was there to be asked. A client that left before the
// answer began is none.
//
// Home:    any thread.
#pragma once

#include <atomic>
#include <cstdint>

namespace nacelle::apps {

class AnswerTally {
 public:
  struct Counts {
    std::uint64_t arrived = 0;  // requests, however often they were tried
    std::uint64_t all = 0;
    std::uint64_t failed = 0;
  };

  void arrived() { arrived_.fetch_add(1, std::memory_order_relaxed); }
  void good() { all_.fetch_add(1, std::memory_order_relaxed); }
  void failed() {
    failed_.fetch_add(1, std::memory_order_relaxed);
    good();
  }
  [[nodiscard]] Counts counts() const {
    const std::uint64_t failed = failed_.load(std::memory_order_relaxed);
    return {arrived_.load(std::memory_order_relaxed), all_.load(std::memory_order_relaxed), failed};
  }

 private:
  std::atomic<std::uint64_t> arrived_{0};
  std::atomic<std::uint64_t> all_{0};
  std::atomic<std::uint64_t> failed_{0};
};

// One attempt: counted once, when it is over.
class TalliedAnswer {
 public:
  // `tally` outlives this.
  explicit TalliedAnswer(AnswerTally& tally) : tally_(tally) {}
  ~TalliedAnswer() {
    if (failed_ || status_ >= 500) {
      tally_.failed();
    } else if (status_ != 0) {
      tally_.good();
    }
  }
  TalliedAnswer(const TalliedAnswer&) = delete;
  TalliedAnswer& operator=(const TalliedAnswer&) = delete;

  void on_status(int status) { status_ = status; }
  void on_failure() { failed_ = true; }

 private:
  AnswerTally& tally_;
  int status_ = 0;  // 0: no answer began
  bool failed_ = false;
};

}  // namespace nacelle::apps
