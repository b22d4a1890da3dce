#include "gateway/spare_bodies.h"

#include <gtest/gtest.h>

namespace nacelle::gateway {
namespace {

TEST(SpareBodies, TheNextBodyHasTheMemoryOfTheLastAndNothingOfItsText) {
  SpareBodies spare;
  EXPECT_EQ(spare.take(), "");
  std::string body(2000, 'a');
  const char* const memory = body.data();
  spare.keep(std::move(body));
  const std::string next = spare.take();
  EXPECT_EQ(next, "");
  EXPECT_EQ(next.data(), memory);
  EXPECT_NE(spare.take().data(), memory);
}

TEST(SpareBodies, LargeAndTinyBodiesAreNotKept) {
  SpareBodies spare;
  spare.keep(std::string(SpareBodies::kMaxBytes + 1, 'a'));
  spare.keep("tiny");
  const std::string fresh;
  EXPECT_EQ(spare.take().capacity(), fresh.capacity());
}

TEST(SpareBodies, KeepsAsManyAsItMay) {
  SpareBodies spare;
  for (std::size_t i = 0; i < SpareBodies::kMaxBodies + 5; ++i) spare.keep(std::string(2000, 'a'));
  std::size_t kept = 0;
  while (spare.take().capacity() >= 2000) ++kept;
  EXPECT_EQ(kept, SpareBodies::kMaxBodies);
}

}  // namespace
}  // namespace nacelle::gateway
