#include "control/core/address_pool.h"

#include <gtest/gtest.h>

namespace nacelle::control {
namespace {

TEST(AddressPool, GivesEachOwnerOneAndComesBackLate) {
  auto pool = AddressPool::create("127.64.3.0/29");  // .1 to .6
  ASSERT_TRUE(pool.ok());
  EXPECT_EQ(*pool->allocate("a"), "127.64.3.1");
  EXPECT_EQ(*pool->allocate("b"), "127.64.3.2");
  EXPECT_EQ(*pool->allocate("a"), "127.64.3.1");
  pool->release("a");
  EXPECT_EQ(*pool->allocate("c"), "127.64.3.3");
  EXPECT_EQ(*pool->allocate("d"), "127.64.3.4");
  EXPECT_EQ(*pool->allocate("e"), "127.64.3.5");
  EXPECT_EQ(*pool->allocate("f"), "127.64.3.6");
  EXPECT_EQ(*pool->allocate("g"), "127.64.3.1");
  EXPECT_EQ(pool->allocate("h").error().message(), "all 6 addresses of 127.64.3.0/29 are in use");
  pool->release("d");
  EXPECT_EQ(*pool->allocate("h"), "127.64.3.4");
}

TEST(AddressPool, RestoresAcrossARestart) {
  auto pool = AddressPool::create("127.64.0.0/16");
  EXPECT_TRUE(pool->restore("a", "127.64.7.9"));
  EXPECT_TRUE(pool->restore("a", "127.64.7.9"));
  EXPECT_FALSE(pool->restore("b", "127.64.7.9"));
  EXPECT_FALSE(pool->restore("b", "127.65.0.1"));
  EXPECT_FALSE(pool->restore("b", "127.64.0.0"));
  EXPECT_FALSE(pool->restore("b", "x"));
  EXPECT_EQ(*pool->allocate("a"), "127.64.7.9");
  EXPECT_EQ(*pool->allocate("b"), "127.64.7.10");
}

TEST(AddressPool, RefusesOtherRanges) {
  for (const char* range : {"", "127.0.0.0", "10.0.0.0/8", "127.0.0.0/7", "127.0.0.0/31",
                            "127.0.0/8", "127.0.0.0/x", "127.0.0.256/8", "127.0.0.0.0/8"}) {
    EXPECT_FALSE(AddressPool::create(range).ok()) << range;
  }
}

}  // namespace
}  // namespace nacelle::control
