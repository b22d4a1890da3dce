#include "router/core/prefix_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <map>
#include <random>

namespace nacelle::router {
namespace {

// The obvious model: a list of hashes per endpoint, oldest first.
class SlowIndex {
 public:
  void insert(std::uint32_t endpoint, const std::vector<std::uint64_t>& hashes) {
    auto& list = held_[endpoint];
    for (auto hash = hashes.rbegin(); hash != hashes.rend(); ++hash) {
      list.remove(*hash);
      list.push_back(*hash);
    }
    trim(endpoint);
  }
  void remove(std::uint32_t endpoint) { held_[endpoint].clear(); }
  void remove(std::uint32_t endpoint, const std::vector<std::uint64_t>& hashes) {
    for (const std::uint64_t hash : hashes) held_[endpoint].remove(hash);
  }
  void set_capacity(std::uint32_t endpoint, std::size_t blocks) {
    capacity_[endpoint] = blocks;
    trim(endpoint);
  }
  std::uint32_t match(std::uint32_t endpoint, const std::vector<std::uint64_t>& hashes) {
    const auto& list = held_[endpoint];
    std::uint32_t length = 0;
    for (const std::uint64_t hash : hashes) {
      if (std::find(list.begin(), list.end(), hash) == list.end()) break;
      ++length;
    }
    return length;
  }

 private:
  void trim(std::uint32_t endpoint) {
    const std::size_t capacity = capacity_.contains(endpoint) ? capacity_[endpoint] : 31250;
    while (held_[endpoint].size() > capacity) held_[endpoint].pop_front();
  }
  std::map<std::uint32_t, std::list<std::uint64_t>> held_;
  std::map<std::uint32_t, std::size_t> capacity_;
};

TEST(PrefixIndex, EqualsASlowModelUnderRandomOperations) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    PrefixIndex index;
    SlowIndex slow;
    const std::uint32_t endpoints = seed % 3 == 0 ? 130 : 5;
    const auto prompt = [&] {
      // Few distinct chains, so that prefixes are shared and hashes collide in the table's low
      // bits.
      std::vector<std::uint64_t> hashes;
      std::uint64_t hash = random() % 4;
      for (std::size_t i = 0, n = random() % 8; i < n; ++i) {
        hash = hash * 131 + 1 + random() % 2;
        hashes.push_back(hash);
      }
      return hashes;
    };
    for (int step = 0; step < 2000; ++step) {
      const EndpointId endpoint{static_cast<std::uint32_t>(random() % endpoints)};
      const auto hashes = prompt();
      switch (random() % 10) {
        case 0:
          index.remove(endpoint);
          slow.remove(endpoint.value);
          break;
        case 1: {
          const auto blocks = static_cast<std::uint32_t>(1 + random() % 20);
          index.set_capacity(endpoint, blocks);
          slow.set_capacity(endpoint.value, blocks);
          break;
        }
        case 2:
          index.remove(endpoint, hashes);
          slow.remove(endpoint.value, hashes);
          break;
        default:
          index.insert(endpoint, hashes);
          slow.insert(endpoint.value, hashes);
      }
      const auto wanted = prompt();
      std::vector<std::uint32_t> matched(endpoints);
      index.match(wanted, matched);
      for (std::uint32_t e = 0; e < endpoints; ++e) {
        ASSERT_EQ(matched[e], slow.match(e, wanted)) << "endpoint " << e << " step " << step;
      }
    }
  }
}

TEST(PrefixIndex, ForgetsWhatNobodyHolds) {
  PrefixIndex index;
  const std::vector<std::uint64_t> hashes = {1, 2, 3};
  index.insert(EndpointId{0}, hashes);
  index.insert(EndpointId{70}, hashes);
  EXPECT_EQ(index.num_hashes(), 3u);
  index.remove(EndpointId{0});
  EXPECT_EQ(index.num_hashes(), 3u);
  index.remove(EndpointId{70});
  EXPECT_EQ(index.num_hashes(), 0u);
}

TEST(PrefixIndex, AGapEndsTheMatch) {
  PrefixIndex index;
  index.insert(EndpointId{0}, std::vector<std::uint64_t>{1, 2, 3});
  index.insert(EndpointId{1}, std::vector<std::uint64_t>{1});
  index.insert(EndpointId{1}, std::vector<std::uint64_t>{3});
  std::vector<std::uint32_t> matched(2);
  index.match(std::vector<std::uint64_t>{1, 2, 3}, matched);
  EXPECT_EQ(matched, (std::vector<std::uint32_t>{3, 1}));
}

}  // namespace
}  // namespace nacelle::router
