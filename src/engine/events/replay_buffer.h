// replay_buffer.h: the newest messages, for subscribers that missed some.
//
// Home:    one thread.
// Bounds:  messages and bytes; the oldest go first.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

namespace nacelle::engine {

class ReplayBuffer {
 public:
  ReplayBuffer(std::size_t max_messages, std::uint64_t max_bytes)
      : max_messages_(max_messages), max_bytes_(max_bytes) {}

  // `sequence` is one more than the last one.
  void push(std::uint64_t sequence, std::string payload) {
    if (messages_.empty()) first_ = sequence;
    bytes_ += payload.size();
    messages_.push_back(std::move(payload));
    while (messages_.size() > max_messages_ || (bytes_ > max_bytes_ && messages_.size() > 1)) {
      bytes_ -= messages_.front().size();
      messages_.pop_front();
      ++first_;
    }
  }

  [[nodiscard]] std::uint64_t first() const { return first_; }
  [[nodiscard]] std::uint64_t end() const { return first_ + messages_.size(); }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] const std::string& at(std::uint64_t sequence) const {
    return messages_[static_cast<std::size_t>(sequence - first_)];
  }

 private:
  std::size_t max_messages_;
  std::uint64_t max_bytes_, bytes_ = 0, first_ = 0;
  std::deque<std::string> messages_;
};

}  // namespace nacelle::engine
