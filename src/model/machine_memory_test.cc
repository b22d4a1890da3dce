#include "model/machine_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nacelle::model {
namespace {

TEST(MachineMemory, ReadsTheLimitOfTheGroup) {
  EXPECT_EQ(parse_memory_max("1073741824\n"), 1073741824u);
  EXPECT_EQ(parse_memory_max("max\n"), std::nullopt);
  EXPECT_EQ(parse_memory_max(""), std::nullopt);
  EXPECT_EQ(parse_memory_max("12x"), std::nullopt);
  EXPECT_EQ(parse_memory_max("99999999999999999999999"), std::nullopt);
}

TEST(MachineMemory, RefusesWhatCanNeverFitAndNamesBothSizes) {
  EXPECT_TRUE(check_fits_memory("the weights", 1024.0).ok());
  const Status status = check_fits_memory("the weights", 1e18);
  EXPECT_EQ(status.code(), Code::kResourceExhausted);
  EXPECT_THAT(status.message(),
              ::testing::StartsWith("the weights need 931322574.6 GiB of memory"));
}

}  // namespace
}  // namespace nacelle::model
