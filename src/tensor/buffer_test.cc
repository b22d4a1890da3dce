#include "tensor/buffer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

namespace nacelle {
namespace {

std::uintptr_t address_of(const Buffer& buffer) {
  return reinterpret_cast<std::uintptr_t>(buffer.data());
}

TEST(Buffer, IsAlignedAndZero) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{4097}, std::size_t{3} << 20}) {
    Buffer buffer = Buffer::allocate(size).value();
    EXPECT_EQ(buffer.size(), size);
    EXPECT_EQ(address_of(buffer) % Buffer::kAlignment, 0u);
    EXPECT_EQ(buffer.data()[0], std::byte{0});
    EXPECT_EQ(buffer.data()[size - 1], std::byte{0});
    std::memset(buffer.data(), 1, size);
  }
  EXPECT_EQ(address_of(Buffer::allocate(std::size_t{2} << 20).value()) % (2u << 20), 0u);
}

TEST(Buffer, MovesKeepTheMemory) {
  Buffer first = Buffer::allocate(100).value();
  first.data()[3] = std::byte{7};
  Buffer second = std::move(first);
  EXPECT_EQ(second.data()[3], std::byte{7});
  Buffer third = Buffer::allocate(50).value();
  third = std::move(second);
  EXPECT_EQ(third.size(), 100u);
  EXPECT_EQ(third.as<std::uint32_t>().size(), 25u);
  EXPECT_EQ(third.data()[3], std::byte{7});
}

TEST(Buffer, ZeroBytesNeedNoMemory) { EXPECT_EQ(Buffer::allocate(0).value().size(), 0u); }

TEST(Buffer, SaysWhenTheAddressSpaceIsTooSmall) {
  const std::size_t too_much = std::numeric_limits<std::size_t>::max() / 2;
  EXPECT_EQ(Buffer::allocate(too_much).error().code(), Code::kResourceExhausted);
  EXPECT_EQ(Buffer::allocate(too_much * 2).error().code(), Code::kResourceExhausted);
}

}  // namespace
}  // namespace nacelle
