#include "epp/pool_choice.h"

#include <gtest/gtest.h>

#include <vector>

namespace nacelle::epp {
namespace {

TEST(PoolChoice, MetadataThenAuthorityThenTheOnlyOne) {
  const std::vector<PoolName> pools{{{"ml", "a"}, "a-epp"},  {{"ml", "b"}, "b-epp"},
                                    {{"dev", "a"}, "a-epp"}, {{"ml", "c"}, "shared"},
                                    {{"ml", "d"}, "shared"}, {{"default", "file"}, ""}};
  const struct {
    const char* metadata;
    const char* authority;
    int pool;  // -1: none
  } rows[] = {
      {"ml/a", "b-epp", 0},
      {"dev/a", "", 2},
      {"b", "", 1},
      {"a", "", -1},          // two have that name
      {"ml/x", "b-epp", -1},  // said and not there: no guess
      {"", "b-epp", 1},
      {"", "b-epp:9002", 1},
      {"", "a-epp", -1},
      {"", "a-epp.dev", 2},
      {"", "a-epp.ml.svc.cluster.local:9002", 0},
      {"", "outbound|9002||a-epp.ml.svc.cluster.local", 0},
      {"", "a-epp.other.svc", -1},
      {"", "shared.ml", -1},
      {"ml/d", "shared.ml", 4},
      {"", "file", 5},
      {"", "127.0.0.1:9002", -1},
      {"", "", -1},
  };
  for (const auto& row : rows) {
    const auto chosen = choose_pool(pools, row.metadata, row.authority);
    EXPECT_EQ(chosen ? static_cast<int>(*chosen) : -1, row.pool)
        << row.metadata << ' ' << row.authority;
  }
  const std::span<const PoolName> one = std::span(pools).first(1);
  EXPECT_EQ(choose_pool(one, "", "127.0.0.1:9002"), 0u);
  EXPECT_FALSE(choose_pool(one, "b", "").has_value());
  EXPECT_FALSE(choose_pool({}, "", "").has_value());
}

}  // namespace
}  // namespace nacelle::epp
