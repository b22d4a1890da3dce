#include "provider/model_restorer.h"

#include <gtest/gtest.h>

namespace nacelle::provider {
namespace {

TEST(ModelRestorer, AnySplitGivesTheSameBytes) {
  const std::string answer =
      R"({"model":"b","x":"\"model\":\"b","model": "b","model":"bb","model":  "b","m":"mod"})";
  const std::string expected =
      R"({"model":"a","x":"\"model\":\"b","model": "a","model":"bb","model":  "b","m":"mod"})";
  for (std::size_t first = 0; first <= answer.size(); ++first) {
    for (std::size_t second = first; second <= answer.size(); ++second) {
      ModelRestorer restorer("b", "a");
      std::string out = restorer.feed(std::string_view(answer).substr(0, first), false);
      out += restorer.feed(std::string_view(answer).substr(first, second - first), false);
      out += restorer.feed(std::string_view(answer).substr(second), true);
      ASSERT_EQ(out, expected) << first << ' ' << second;
    }
  }
}

TEST(ModelRestorer, HoldsBackOnlyWhatMayBeginAMatch) {
  ModelRestorer restorer("b", "a");
  EXPECT_EQ(restorer.feed("data: {\"id\":1}\n\n", false), "data: {\"id\":1}\n\n");
  EXPECT_EQ(restorer.feed("{\"mod", false), "{");
  EXPECT_EQ(restorer.feed("e\":1}", false), "\"mode\":1}");
  EXPECT_EQ(restorer.feed("\"mo", true), "\"mo");
}

TEST(ModelRestorer, EqualNamesChangeNothing) {
  ModelRestorer restorer("a", "a");
  EXPECT_TRUE(restorer.idle());
  EXPECT_EQ(restorer.feed("\"model\":\"a", false), "\"model\":\"a");
}

}  // namespace
}  // namespace nacelle::provider
