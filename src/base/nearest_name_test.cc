#include "base/nearest_name.h"

#include <gtest/gtest.h>

#include <vector>

namespace nacelle {
namespace {

TEST(NearestName, FindsWhatWasMistyped) {
  const std::vector<std::string_view> known = {"queue-scorer", "lruSize",
                                               "kv-cache-utilization-scorer"};
  EXPECT_EQ(nearest_name("lruSiz", known), "lruSize");
  EXPECT_EQ(nearest_name("lrusize", known), "lruSize");
  EXPECT_EQ(nearest_name("queue-scoerr", known), "queue-scorer");
  EXPECT_EQ(nearest_name("kv-cache-utilisation-scorer", known), "kv-cache-utilization-scorer");
  EXPECT_EQ(nearest_name("something-else", known), "");
  EXPECT_EQ(nearest_name("", known), "");
  EXPECT_EQ(nearest_name(std::string(5000, 'x'), known), "");
}

TEST(NearestName, MessagesNameTheAlternatives) {
  const std::vector<std::string_view> known = {"alpha", "beta"};
  EXPECT_EQ(unknown_name("field", "alhpa", known), "unknown field 'alhpa'; did you mean 'alpha'?");
  EXPECT_EQ(unknown_name("field", "zzz", known), "unknown field 'zzz'; there are alpha, beta");
  EXPECT_EQ(unknown_name("field", "zzz", {}), "unknown field 'zzz'; there are none");
  EXPECT_EQ(did_you_mean("alhpa", known), " (did you mean 'alpha'?)");
  EXPECT_EQ(did_you_mean("zzz", known), "");
}

}  // namespace
}  // namespace nacelle
