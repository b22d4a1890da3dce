// buffer.h: aligned memory with one owner, zero when first read.
//
// Pages come from the kernel on first touch, so a large Buffer costs nothing until it is used, and
// the thread that touches a page first decides its NUMA node. Buffers of 2 MiB and more start on a
// 2 MiB boundary and ask for huge pages.
//
// Errors:  allocate() returns resource_exhausted with the size when the kernel refuses.
#pragma once

#include <cstddef>
#include <span>

#include "base/result.h"

namespace nacelle {

class Buffer {
 public:
  static constexpr std::size_t kAlignment = 64;

  Buffer() = default;  // empty
  [[nodiscard]] static Result<Buffer> allocate(std::size_t size_bytes);

  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer();

  [[nodiscard]] std::byte* data() { return data_; }
  [[nodiscard]] const std::byte* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::span<std::byte> bytes() { return {data_, size_}; }
  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_}; }

  // The memory as elements of T: size() / sizeof(T) of them.
  template <class T>
  [[nodiscard]] std::span<T> as() {
    return {reinterpret_cast<T*>(data_), size_ / sizeof(T)};
  }
  template <class T>
  [[nodiscard]] std::span<const T> as() const {
    return {reinterpret_cast<const T*>(data_), size_ / sizeof(T)};
  }

 private:
  void release();

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  void* mapping_ = nullptr;
  std::size_t mapping_bytes_ = 0;
};

}  // namespace nacelle
