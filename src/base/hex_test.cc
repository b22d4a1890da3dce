#include "base/hex.h"

#include <gtest/gtest.h>

namespace nacelle {
namespace {

TEST(Hex, KeepsTheWidthAndTheOrderOfDigits) {
  std::string out = "id-";
  append_hex(out, 0x0123456789abcdef);
  append_hex(out, 0xa);
  append_hex(out, UINT64_MAX);
  EXPECT_EQ(out, "id-0123456789abcdef000000000000000affffffffffffffff");
}

}  // namespace
}  // namespace nacelle
