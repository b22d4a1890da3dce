#include "tensor/buffer.h"

#include <sys/mman.h>

#include <cstdint>
#include <limits>
#include <utility>

namespace nacelle {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

}  // namespace

Result<Buffer> Buffer::allocate(std::size_t size_bytes) {
  Buffer buffer;
  if (size_bytes == 0) return buffer;
  const bool huge = size_bytes >= kHugePage;
  const std::size_t slack = huge ? kHugePage : 0;
  if (size_bytes > std::numeric_limits<std::size_t>::max() / 2 - slack) {
    return resource_exhausted("cannot reserve {} bytes", size_bytes);
  }
  void* mapping =
      mmap(nullptr, size_bytes + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) return resource_exhausted("cannot reserve {} bytes", size_bytes);
  auto address = reinterpret_cast<std::uintptr_t>(mapping);
  if (huge) address = (address + kHugePage - 1) / kHugePage * kHugePage;
  buffer.data_ = reinterpret_cast<std::byte*>(address);
  buffer.size_ = size_bytes;
  buffer.mapping_ = mapping;
  buffer.mapping_bytes_ = size_bytes + slack;
  if (huge) (void)madvise(buffer.data_, size_bytes, MADV_HUGEPAGE);  // advice: refusal is harmless
  return buffer;
}

Buffer::Buffer(Buffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      mapping_(std::exchange(other.mapping_, nullptr)),
      mapping_bytes_(std::exchange(other.mapping_bytes_, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  if (this != &other) {
    release();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    mapping_ = std::exchange(other.mapping_, nullptr);
    mapping_bytes_ = std::exchange(other.mapping_bytes_, 0);
  }
  return *this;
}

Buffer::~Buffer() { release(); }

void Buffer::release() {
  if (mapping_ != nullptr) munmap(mapping_, mapping_bytes_);
  mapping_ = nullptr;
}

}  // namespace nacelle
