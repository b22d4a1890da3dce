// spare_bodies.h: memory of request bodies that have ended, for the next ones.
//
// malloc keeps blocks of up to 1 KB at hand. Chat bodies are larger, and each such block costs it
// some 3,000 instructions to find and to merge again.
//
// Home:    one loop.
// Bounds:  kMaxBodies of at most kMaxBytes each.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace nacelle::gateway {

class SpareBodies {
 public:
  static constexpr std::size_t kMaxBodies = 64;
  static constexpr std::size_t kMaxBytes = 16 * 1024;

  // Empty; with the memory of an earlier body where there is one.
  [[nodiscard]] std::string take() {
    if (spare_.empty()) return {};
    std::string body = std::move(spare_.back());
    spare_.pop_back();
    body.clear();
    return body;
  }
  void keep(std::string body) {
    const bool own_block = body.capacity() > std::string().capacity();
    if (own_block && body.capacity() <= kMaxBytes && spare_.size() < kMaxBodies)
      spare_.push_back(std::move(body));
  }

 private:
  std::vector<std::string> spare_;
};

}  // namespace nacelle::gateway
