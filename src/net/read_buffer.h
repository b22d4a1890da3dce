// read_buffer.h: bytes that arrived and were not used yet, in one block.
//
//   [ used | unread | room ]
//
// Views into the unread part stay valid until prepare_room() or release(); commit() and consume()
// do not move bytes. So a read may be outstanding into the room while a caller looks at the unread
// part.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

namespace nacelle::net {

class ReadBuffer {
 public:
  static constexpr std::size_t kSmall = 8 * 1024;   // of an idle or streaming connection
  static constexpr std::size_t kLarge = 64 * 1024;  // while bulk data flows

  [[nodiscard]] std::string_view unread() const { return {bytes_.get() + begin_, end_ - begin_}; }
  [[nodiscard]] char* unread_data() { return bytes_.get() + begin_; }
  [[nodiscard]] std::size_t size() const { return end_ - begin_; }
  [[nodiscard]] bool empty() const { return begin_ == end_; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }

  [[nodiscard]] char* room() { return bytes_.get() + end_; }
  [[nodiscard]] std::size_t room_size() const { return capacity_ - end_; }

  void commit(std::size_t count) { end_ += count; }
  void consume(std::size_t count) { begin_ += count; }

  // Makes the block `capacity` bytes (at least what is unread) and moves the unread bytes to its
  // front, when that is needed to have room. No read may be outstanding and no view alive.
  void prepare_room(std::size_t capacity) {
    capacity = std::max(capacity, size());
    if (capacity != capacity_) {
      auto block = std::make_unique_for_overwrite<char[]>(capacity);
      if (!empty()) std::memcpy(block.get(), unread_data(), size());
      bytes_ = std::move(block);
      capacity_ = capacity;
    } else if (begin_ > 0 && !empty()) {
      std::memmove(bytes_.get(), unread_data(), size());
    }
    end_ -= begin_;
    begin_ = 0;
  }

  // Gives the memory back. Same conditions; unread bytes are dropped.
  void release() {
    bytes_.reset();
    begin_ = end_ = capacity_ = 0;
  }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace nacelle::net
