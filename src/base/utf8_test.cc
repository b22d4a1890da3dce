#include "base/utf8.h"

#include <gtest/gtest.h>

namespace nacelle {
namespace {

TEST(Utf8, RoundTripsEveryCodePoint) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    std::string text;
    append_utf8(text, c);
    const Utf8Char decoded = decode_utf8(text, 0);
    ASSERT_TRUE(decoded.valid) << static_cast<unsigned>(c);
    ASSERT_EQ(decoded.code_point, c);
    ASSERT_EQ(decoded.length, text.size());
  }
}

TEST(Utf8, RefusesWhatRfc3629Refuses) {
  for (const char* bad :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80",
        "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80", "\xFF", "a\xC3", "\xE2\x82"}) {
    EXPECT_FALSE(is_valid_utf8(bad)) << bad;
  }
}

TEST(Utf8, HoldsBackOnlyAnUnfinishedTail) {
  EXPECT_EQ(complete_utf8_prefix("abc"), 3u);
  EXPECT_EQ(complete_utf8_prefix("ab\xC3"), 2u);
  EXPECT_EQ(complete_utf8_prefix("ab\xF0\x9F\x98"), 2u);
  EXPECT_EQ(complete_utf8_prefix("\xF0\x9F\x98\x80"), 4u);
  EXPECT_EQ(complete_utf8_prefix("ab\xFF"), 3u);  // never completes: waiting would be for ever
  EXPECT_EQ(complete_utf8_prefix(""), 0u);
}

TEST(Utf8, ReplacesMaximalInvalidPartsAsPythonDoes) {
  // python3 -c 'print(b"a\xe2\x82b\xff\xf0\x9f\x98".decode("utf-8", "replace"))'
  EXPECT_EQ(sanitize_utf8("a\xE2\x82"
                          "b\xFF\xF0\x9F\x98"),
            "a\uFFFD"
            "b\uFFFD\uFFFD");
}

}  // namespace
}  // namespace nacelle
