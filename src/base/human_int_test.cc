#include "base/human_int.h"

#include <gtest/gtest.h>

namespace nacelle {
namespace {

TEST(HumanInt, FollowsCase) {
  EXPECT_EQ(*parse_human_int("4096"), 4096);
  EXPECT_EQ(*parse_human_int("32k"), 32000);
  EXPECT_EQ(*parse_human_int("32K"), 32768);
  EXPECT_EQ(*parse_human_int("25.6k"), 25600);
  EXPECT_EQ(*parse_human_int("1G"), 1073741824);
  for (const char* bad :
       {"", "k", "1.5K", "x", "12kk", "99999999999999999999", "1e3", "99999999999T"}) {
    EXPECT_FALSE(parse_human_int(bad)) << bad;
  }
}

}  // namespace
}  // namespace nacelle
