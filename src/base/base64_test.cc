#include "base/base64.h"

#include <gtest/gtest.h>

namespace nacelle {
namespace {

TEST(Base64, DecodesGroupsAndRefusesTheRest) {
  for (const char* text : {"", "a", "ab", "abc", "abcd"}) {
    EXPECT_EQ(decode_base64(encode_base64(text)), text);
  }
  EXPECT_EQ(decode_base64("aGVsbG8="), "hello");
  EXPECT_EQ(decode_base64("aGVs\nbG8h"), "hello!");
  EXPECT_EQ(decode_base64("aA=="), "h");
  EXPECT_EQ(decode_base64(""), "");
  for (const char* bad : {"a", "aA", "aA=", "aA===", "=", "aA==aA==", "a*==", "aGVs="}) {
    EXPECT_FALSE(decode_base64(bad).has_value()) << bad;
  }
}

TEST(Base64, PaddingMayBeOptional) {
  EXPECT_EQ(decode_base64("aGVsbG8", Base64Padding::kOptional), "hello");
  EXPECT_EQ(decode_base64("aGVsbG8=", Base64Padding::kOptional), "hello");
  EXPECT_FALSE(decode_base64("aGVsb", Base64Padding::kOptional).has_value());
  EXPECT_FALSE(decode_base64("aGVsbG8==", Base64Padding::kOptional).has_value());
}

TEST(Base64, TheUrlAlphabetHasNoPadding) {
  const std::string bytes = "\xfb\xff\xfe?";
  EXPECT_EQ(encode_base64_url(bytes), "-__-Pw");
  EXPECT_EQ(decode_base64_url("-__-Pw"), bytes);
  EXPECT_EQ(decode_base64_url("-__-Pw=="), bytes);
  EXPECT_FALSE(decode_base64_url("+//+Pw").has_value());
}

}  // namespace
}  // namespace nacelle
