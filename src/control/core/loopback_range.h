// loopback_range.h: the part of the machine's loopback addresses that one cluster uses, so that
// several live side by side.
//
//   127.<64 + n>.<16 k>.0/20   pods of the n-th node of cluster k: 4,094 addresses
//   127.96.<16 k>.0/20         its Services
//
// Home:    pure.
// Bounds:  kCount clusters of kNodes nodes each.
#pragma once

#include <cstddef>
#include <string>

#include <fmt/format.h>

namespace nacelle::control {

struct LoopbackRange {
  static constexpr int kCount = 16;
  static constexpr std::size_t kNodes = 32;

  int index = 0;  // 0 to kCount - 1

  [[nodiscard]] std::string pods(std::size_t node) const {
    return fmt::format("127.{}.{}.0/20", kFirstNode + node, index * kStep);
  }
  [[nodiscard]] std::string services() const {
    return fmt::format("127.{}.{}.0/20", kFirstNode + kNodes, index * kStep);
  }

 private:
  static constexpr std::size_t kFirstNode = 64;
  static constexpr int kStep = 256 / kCount;
};

}  // namespace nacelle::control
