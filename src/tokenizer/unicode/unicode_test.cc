#include <gtest/gtest.h>

#include "base/utf8.h"
#include "tokenizer/unicode/byte_chars.h"
#include "tokenizer/unicode/char_class.h"
#include "tokenizer/unicode/normal_form.h"

namespace nacelle::tokenizer {
namespace {

TEST(CharClass, KnowsTheFlagsThatScannersAskFor) {
  struct Row {
    const char* what;
    char32_t c;
    std::uint8_t flags;
  };
  using namespace flag;
  const Row rows[] = {
      {"lower case letter", U'a', kLetter | kLower},
      {"upper case letter", U'Ж', kLetter | kUpper},
      {"title case letter", 0x01C5, kLetter | kUpper},
      {"ideograph is upper and lower", U'漢', kLetter | kUpper | kLower},
      {"modifier letter is upper and lower", 0x02B0, kLetter | kUpper | kLower},
      {"combining acute", 0x0301, kMark | kUpper | kLower},
      {"digit", U'7', kNumber},
      {"roman numeral", 0x2163, kNumber},
      {"space", U' ', kSpace},
      {"line feed", U'\n', kSpace | kNewline},
      {"next line is space but a control", 0x85, kSpace},
      {"Mongolian vowel separator is no space", 0x180E, 0},
      {"zero width space is no space", 0x200B, 0},
      {"dollar", U'$', kSymbol},
      {"comma", U',', kSymbol},
      {"emoji", 0x1F600, kSymbol},
      {"last code point", 0x10FFFF, 0},
  };
  for (const Row& row : rows) EXPECT_EQ(char_flags()[row.c], row.flags) << row.what;
}

TEST(CharClass, RangesCoverExactlyTheirCategories) {
  const std::uint32_t mask =
      1u << static_cast<int>(Category::kLu) | 1u << static_cast<int>(Category::kNd);
  std::vector<bool> member(0x110000);
  for (const CodePointRange range : ranges_of(mask)) {
    for (char32_t c = range.first; c <= range.last; ++c) member[c] = true;
  }
  for (char32_t c = 0; c < 0x110000; ++c) {
    const bool expected = category(c) == Category::kLu || category(c) == Category::kNd;
    ASSERT_EQ(member[c], expected) << static_cast<std::uint32_t>(c);
  }
}

TEST(CharClass, LowersOneCharacterAtATime) {
  EXPECT_EQ(to_lower(U'A'), U'a');
  EXPECT_EQ(to_lower(U'Σ'), U'σ');  // never the final form
  EXPECT_EQ(to_lower(0x1E9E), U'ß');
  EXPECT_EQ(to_lower(0x10400), 0x10428u);
  EXPECT_EQ(to_lower(U'ß'), U'ß');
  EXPECT_EQ(to_lower(0x130), 0x130u);
}

TEST(ByteChars, AreOneToOne) {
  std::string bytes;
  for (int b = 0; b < 256; ++b) bytes.push_back(static_cast<char>(b));
  const std::string chars = bytes_to_chars(bytes);
  EXPECT_EQ(utf8_length(chars), 256u);
  EXPECT_EQ(chars_to_bytes(chars), bytes);
  EXPECT_EQ(bytes_to_chars(" \n"), "ĠĊ");
  EXPECT_EQ(chars_to_bytes("a b"), std::nullopt);  // the space itself is not in the alphabet
}

TEST(NormalForm, Examples) {
  struct Row {
    const char* what;
    const char *in, *nfc, *nfd, *nfkc, *nfkd;
  };
  const Row rows[] = {
      {"ASCII", "abc", "abc", "abc", "abc", "abc"},
      {"composed", "é", "é", "e\u0301", "é", "e\u0301"},
      {"decomposed", "e\u0301x", "éx", "e\u0301x", "éx", "e\u0301x"},
      {"marks out of order", "a\u0301\u0323", "ạ\u0301", "a\u0323\u0301", "ạ\u0301",
       "a\u0323\u0301"},
      {"singleton", "\u212B", "Å", "A\u030A", "Å", "A\u030A"},
      {"composition exclusion", "\u0958", "\u0915\u093C", "\u0915\u093C", "\u0915\u093C",
       "\u0915\u093C"},
      {"Hangul syllable", "한", "한", "\u1112\u1161\u11AB", "한", "\u1112\u1161\u11AB"},
      {"Hangul jamo", "\u1112\u1161\u11AB", "한", "\u1112\u1161\u11AB", "한", "\u1112\u1161\u11AB"},
      {"ligature", "ﬁ", "ﬁ", "ﬁ", "fi", "fi"},
      {"mark at the start", "\u0301a", "\u0301a", "\u0301a", "\u0301a", "\u0301a"},
      {"newer than the reference's data", "\U00011935\U00011930", "\U00011935\U00011930",
       "\U00011935\U00011930", "\U00011935\U00011930", "\U00011935\U00011930"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(to_normal_form(row.in, NormalForm::kNfc), row.nfc) << row.what;
    EXPECT_EQ(to_normal_form(row.in, NormalForm::kNfd), row.nfd) << row.what;
    EXPECT_EQ(to_normal_form(row.in, NormalForm::kNfkc), row.nfkc) << row.what;
    EXPECT_EQ(to_normal_form(row.in, NormalForm::kNfkd), row.nfkd) << row.what;
  }
}

TEST(NormalForm, OrdersALongRunOfMarks) {
  // Alternating classes 230 and 220: with an insertion sort this takes minutes.
  std::string text = "a", low, high;
  for (int i = 0; i < 200'000; ++i) {
    text += "\u0301\u0316";
    low += "\u0316";
    high += "\u0301";
  }
  EXPECT_EQ(to_normal_form(text, NormalForm::kNfd), "a" + low + high);
}

}  // namespace
}  // namespace nacelle::tokenizer
