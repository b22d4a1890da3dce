// merge_queue.h: the pairs of a long word that may merge next: lowest rank first, then leftmost.
//
// One bucket a rank. Positions usually arrive in rising order and cost O(1); those that do not go
// through a heap inside the bucket. Ranks with waiting pairs form a small heap. Any sequence of n
// operations costs O(n log n).
//
// Home:  one thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

namespace nacelle::tokenizer {

class MergeQueue {
 public:
  struct Item {
    std::uint32_t rank;
    std::int32_t position;
  };

  [[nodiscard]] bool empty() const { return ranks_.empty(); }

  void push(std::uint32_t rank, std::int32_t position) {
    Bucket& bucket = bucket_of(rank);
    if (bucket.empty()) {
      ranks_.push_back(rank);
      std::push_heap(ranks_.begin(), ranks_.end(), std::greater<>());
    }
    if (bucket.in_order.size() == bucket.front || bucket.in_order.back() <= position) {
      bucket.in_order.push_back(position);
    } else {
      bucket.late.push_back(position);
      std::push_heap(bucket.late.begin(), bucket.late.end(), std::greater<>());
    }
  }

  // The next pair; the queue is not empty.
  Item pop() {
    const std::uint32_t rank = ranks_.front();
    Bucket& bucket = bucket_of(rank);
    std::int32_t position = 0;
    const bool has_in_order = bucket.front < bucket.in_order.size();
    if (!bucket.late.empty() &&
        (!has_in_order || bucket.late.front() < bucket.in_order[bucket.front])) {
      position = bucket.late.front();
      std::pop_heap(bucket.late.begin(), bucket.late.end(), std::greater<>());
      bucket.late.pop_back();
    } else {
      position = bucket.in_order[bucket.front++];
    }
    if (bucket.empty()) {
      bucket.in_order.clear();
      bucket.front = 0;
      std::pop_heap(ranks_.begin(), ranks_.end(), std::greater<>());
      ranks_.pop_back();
    }
    return {rank, position};
  }

  // Frees the memory when it is more than `kept` positions.
  void trim(std::size_t kept) {
    std::size_t held = 0;
    for (const Bucket& bucket : buckets_)
      held += bucket.in_order.capacity() + bucket.late.capacity();
    if (held > kept || buckets_.size() > kept / 8) {
      buckets_ = {};
      index_ = {};
      last_rank_ = kNone;
    }
  }

 private:
  static constexpr std::uint32_t kNone = 0xFFFF'FFFF;

  struct Bucket {
    std::vector<std::int32_t> in_order;  // waiting from `front` on, rising
    std::size_t front = 0;
    std::vector<std::int32_t> late;  // min-heap
    [[nodiscard]] bool empty() const { return front == in_order.size() && late.empty(); }
  };

  Bucket& bucket_of(std::uint32_t rank) {
    if (rank == last_rank_) return buckets_[last_bucket_];
    const auto [it, is_new] = index_.emplace(rank, static_cast<std::uint32_t>(buckets_.size()));
    if (is_new) buckets_.emplace_back();
    last_rank_ = rank;
    last_bucket_ = it->second;
    return buckets_[last_bucket_];
  }

  std::vector<std::uint32_t> ranks_;  // min-heap of ranks whose bucket is not empty
  std::vector<Bucket> buckets_;
  std::unordered_map<std::uint32_t, std::uint32_t> index_;  // rank -> bucket
  std::uint32_t last_rank_ = kNone;
  std::uint32_t last_bucket_ = 0;
};

}  // namespace nacelle::tokenizer
