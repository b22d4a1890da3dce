// gather.h: up to eight pieces of memory that leave in one system call.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <string_view>

namespace nacelle::net {

class Gather {
 public:
  void add(std::string_view bytes) {
    if (!bytes.empty()) {
      pieces_[end_++] = {const_cast<char*>(bytes.data()), bytes.size()};
      total_ += bytes.size();
    }
  }
  void consume(std::size_t count);
  [[nodiscard]] bool empty() const { return begin_ == end_; }
  [[nodiscard]] bool full() const { return end_ == pieces_.size(); }
  [[nodiscard]] std::size_t total() const { return total_; }
  [[nodiscard]] iovec* data() { return pieces_.data() + begin_; }
  [[nodiscard]] std::size_t count() const { return end_ - begin_; }

 private:
  std::array<iovec, 8> pieces_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t total_ = 0;
};

}  // namespace nacelle::net
