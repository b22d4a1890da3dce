#include "kernels/threads/cpu_list.h"

#include <gtest/gtest.h>

namespace nacelle::kernels {
namespace {

TEST(CpuList, ReadsWhatTheKernelWrites) {
  EXPECT_EQ(parse_cpu_list("0\n"), CpuList{0});
  EXPECT_EQ(parse_cpu_list("0-3\n"), (CpuList{0, 1, 2, 3}));
  EXPECT_EQ(parse_cpu_list("0-1,8,10-11"), (CpuList{0, 1, 8, 10, 11}));
  EXPECT_EQ(parse_cpu_list("4,0-2,1"), (CpuList{0, 1, 2, 4}));
  EXPECT_EQ(parse_cpu_list("\n"), CpuList{});
  EXPECT_EQ(parse_cpu_list(""), CpuList{});
}

TEST(CpuList, RefusesTheRest) {
  for (const char* text : {"a", "1-", "-1", "3-1", "1,,2", "1,", ",1", "1-2-3", "0-65536", "1 2",
                           "4294967296", "99999999999999999999", "0x1"}) {
    EXPECT_EQ(parse_cpu_list(text), std::nullopt) << text;
  }
}

TEST(CpuList, FormatIsTheInverse) {
  for (const char* text : {"", "0", "0-3", "0-1,8,10-11", "1,3,5", "65535"}) {
    EXPECT_EQ(format_cpu_list(parse_cpu_list(text).value()), text);
  }
}

TEST(CpuList, Contains) {
  const CpuList list = {1, 4, 5};
  EXPECT_TRUE(contains(list, 4));
  EXPECT_FALSE(contains(list, 2));
  EXPECT_FALSE(contains({}, 0));
}

}  // namespace
}  // namespace nacelle::kernels
