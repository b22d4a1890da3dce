#include "serve/output/stop_scanner.h"

#include <random>

#include <gtest/gtest.h>

namespace nacelle::serve {
namespace {

using Show = StopScanner::Show;

TEST(StopScanner, CutsBeforeTheStopAcrossChunks) {
  StopScanner scanner({"END"}, Show::kBefore);
  EXPECT_FALSE(scanner.append("abE"));
  EXPECT_EQ(scanner.take(false), "a");  // two characters are held back
  EXPECT_FALSE(scanner.append("N"));
  EXPECT_EQ(scanner.take(false), "b");
  EXPECT_EQ(scanner.append("Dxyz"), 0u);
  EXPECT_EQ(scanner.take(true), "");
  EXPECT_EQ(scanner.text(), "ab");
}

TEST(StopScanner, ShowsTheStopWhenAsked) {
  StopScanner scanner({"END"}, Show::kIncluding);
  EXPECT_FALSE(scanner.append("abE"));
  EXPECT_EQ(scanner.take(false), "abE");  // nothing needs to be held back
  EXPECT_EQ(scanner.append("NDxyz"), 0u);
  EXPECT_EQ(scanner.take(true), "ND");
  EXPECT_EQ(scanner.text(), "abEND");
}

TEST(StopScanner, ListOrderWinsWithinOneToken) {
  StopScanner scanner({"late", "a"}, Show::kBefore);
  EXPECT_EQ(scanner.append("xa then late"), 0u);
  EXPECT_EQ(scanner.text(), "xa then ");
}

TEST(StopScanner, UnsearchedTextMayBeginAMatchButNotHoldOne) {
  StopScanner scanner({"ab"}, Show::kBefore);
  scanner.append_unsearched("ab a");
  EXPECT_FALSE(scanner.append("c"));
  StopScanner straddling({"ab"}, Show::kBefore);
  straddling.append_unsearched("ab a");
  EXPECT_EQ(straddling.append("b"), 0u);
  EXPECT_EQ(straddling.text(), "ab ");
}

TEST(StopScanner, HoldsBackCharactersNotBytes) {
  StopScanner scanner({"\u00e9\u00e9\u00e9"}, Show::kBefore);
  EXPECT_FALSE(scanner.append("\u20ac\u20ac\u20ac"));
  EXPECT_EQ(scanner.take(false), "\u20ac");
  EXPECT_EQ(scanner.take(true), "\u20ac\u20ac");
}

TEST(StopScanner, WithoutStopsEverythingIsSentAtOnce) {
  StopScanner scanner({}, Show::kBefore);
  EXPECT_FALSE(scanner.append("abc"));
  EXPECT_EQ(scanner.take(false), "abc");
  EXPECT_EQ(scanner.take(true), "");
}

// The slow model searches the whole text after every chunk. Sent pieces must add up to the cut
// text, and nothing that the cut removes may have been sent.
TEST(StopScanner, AgreesWithWholeTextSearchAtAnyChunkBorders) {
  const std::string letters[] = {"a", "b", "\u00e9", "\u20ac"};
  for (std::uint32_t seed = 1; seed <= 3000; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const auto text_of = [&](std::size_t characters) {
      std::string out;
      for (std::size_t i = 0; i < characters; ++i) out += letters[random() % 4];
      return out;
    };
    std::vector<std::string> stops;
    for (std::size_t i = random() % 4; i > 0; --i) stops.push_back(text_of(1 + random() % 4));
    const Show show = random() % 2 == 0 ? Show::kBefore : Show::kIncluding;

    StopScanner scanner(stops, show);
    std::string whole, sent, expected;
    std::optional<std::size_t> hit, expected_hit;
    for (int chunk = 0; chunk < 12 && !hit; ++chunk) {
      const std::string piece = text_of(random() % 4);
      whole += piece;
      hit = scanner.append(piece);
      expected = whole;
      for (std::size_t i = 0; i < stops.size() && !expected_hit; ++i) {
        const std::size_t match = whole.find(stops[i]);
        if (match == std::string::npos) continue;
        expected_hit = i;
        expected = whole.substr(0, show == Show::kIncluding ? match + stops[i].size() : match);
      }
      ASSERT_EQ(hit, expected_hit);
      if (random() % 2 == 0) sent += scanner.take(hit.has_value());
      ASSERT_TRUE(expected.starts_with(sent));
    }
    sent += scanner.take(true);
    ASSERT_EQ(sent, expected);
    ASSERT_EQ(scanner.text(), expected);
  }
}

}  // namespace
}  // namespace nacelle::serve
