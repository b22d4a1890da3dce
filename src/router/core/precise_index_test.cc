#include "router/core/precise_index.h"

#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <random>
#include <set>

namespace nacelle::router {
namespace {

using Keys = std::vector<std::uint64_t>;

std::vector<PreciseMatch> match(const PreciseIndex& index, const Keys& keys,
                                std::size_t num_endpoints) {
  MatchScratch scratch;
  std::vector<PreciseMatch> out(num_endpoints);
  index.match(keys, scratch, out);
  return out;
}

std::vector<std::uint32_t> blocks(const PreciseIndex& index, const Keys& keys,
                                  std::size_t num_endpoints) {
  std::vector<std::uint32_t> out;
  for (const PreciseMatch& one : match(index, keys, num_endpoints)) out.push_back(one.blocks);
  return out;
}

TEST(PreciseIndex, ARunEndsAtTheFirstGap) {
  PreciseIndex index({});
  index.store(EndpointId{0}, Plane::kGpu, Keys{1, 2, 4});
  index.store(EndpointId{2}, Plane::kGpu, Keys{1, 2, 3, 4});
  index.store(EndpointId{1}, Plane::kGpu, Keys{2, 3});
  EXPECT_EQ(blocks(index, {1, 2, 3, 4, 5}, 3), (std::vector<std::uint32_t>{2, 0, 4}));
  EXPECT_EQ(blocks(index, {}, 3), (std::vector<std::uint32_t>{0, 0, 0}));
  EXPECT_EQ(blocks(index, {1}, 1), (std::vector<std::uint32_t>{1}));
}

TEST(PreciseIndex, TiersWeighAndTheBestCounts) {
  PreciseIndex index({.tier_weights = {1.0f, 0.8f, 0.5f}});
  index.store(EndpointId{0}, Plane::kGpu, Keys{1});
  index.store(EndpointId{0}, Plane::kCpu, Keys{1, 2});
  index.store(EndpointId{0}, Plane::kDisk, Keys{2, 3});
  const auto found = match(index, {1, 2, 3}, 1);
  EXPECT_EQ(found[0].blocks, 3u);
  EXPECT_FLOAT_EQ(found[0].weight, 1.0f + 0.8f + 0.5f);
  index.remove(EndpointId{0}, Plane::kGpu, Keys{1});
  EXPECT_FLOAT_EQ(match(index, {1}, 1)[0].weight, 0.8f);
}

TEST(PreciseIndex, ACopyLeftIsStillThere) {
  PreciseIndex index({});
  for (int i = 0; i < 3; ++i) index.store(EndpointId{0}, Plane::kGpu, Keys{7});
  for (int i = 0; i < 2; ++i) {
    index.remove(EndpointId{0}, Plane::kGpu, Keys{7});
    EXPECT_EQ(blocks(index, {7}, 1)[0], 1u);
  }
  index.remove(EndpointId{0}, Plane::kGpu, Keys{7});
  EXPECT_EQ(blocks(index, {7}, 1)[0], 0u);
  EXPECT_EQ(index.counters().duplicate_removals, 2u);
  EXPECT_EQ(index.num_blocks(), 0u);
}

TEST(PreciseIndex, SpeculationEndsByTimeAndNotWithAnEarlierOne) {
  PreciseIndex index({});
  const TimePoint start{};
  index.speculate(EndpointId{0}, Keys{1, 2}, start + std::chrono::seconds(2));
  index.speculate(EndpointId{0}, Keys{1}, start + std::chrono::seconds(3));
  EXPECT_EQ(blocks(index, {1, 2}, 1)[0], 2u);
  index.expire(start + std::chrono::seconds(2));
  EXPECT_EQ(blocks(index, {1, 2}, 1)[0], 1u);
  index.store(EndpointId{0}, Plane::kGpu, Keys{1});
  index.expire(start + std::chrono::seconds(3));
  EXPECT_EQ(blocks(index, {1, 2}, 1)[0], 1u);  // confirmed
  index.speculate(EndpointId{0}, Keys{5}, start + std::chrono::seconds(4));
  index.clear(EndpointId{0});
  while (index.sweep(64)) {
  }
  index.store(EndpointId{1}, Plane::kGpu, Keys{5});  // takes the slot
  index.speculate(EndpointId{1}, Keys{5}, start + std::chrono::seconds(9));
  index.expire(start + std::chrono::seconds(5));
  EXPECT_EQ(blocks(index, {5}, 2), (std::vector<std::uint32_t>{0, 1}));
}

TEST(PreciseIndex, ClearingTakesEffectBeforeItIsSwept) {
  PreciseIndex index({});
  Keys keys(5000);
  std::iota(keys.begin(), keys.end(), 1);
  for (std::uint32_t e = 0; e < 6; ++e) index.store(EndpointId{e}, Plane::kGpu, keys);
  index.clear(EndpointId{2});
  EXPECT_EQ(blocks(index, keys, 3), (std::vector<std::uint32_t>{5000, 5000, 0}));
  index.store(EndpointId{2}, Plane::kGpu, std::span(keys).first(3));
  EXPECT_EQ(blocks(index, keys, 3), (std::vector<std::uint32_t>{5000, 5000, 3}));
  while (index.sweep(7)) {
  }
  EXPECT_EQ(blocks(index, keys, 3), (std::vector<std::uint32_t>{5000, 5000, 3}));
  for (std::uint32_t e = 0; e < 6; ++e) index.clear(EndpointId{e});
  while (index.sweep(7)) {
  }
  EXPECT_EQ(index.num_blocks(), 0u);
}

TEST(PreciseIndex, TheBoundHoldsAndWhatIsMatchedStays) {
  constexpr std::size_t kBytes = std::size_t{4} << 20;
  PreciseIndex index({.max_bytes = kBytes});
  Keys hot(100);
  std::iota(hot.begin(), hot.end(), 1);
  index.store(EndpointId{0}, Plane::kGpu, hot);
  std::mt19937_64 random(5);
  for (int round = 0; round < 60; ++round) {
    Keys cold(5000);
    for (auto& key : cold) key = random();
    index.store(EndpointId{round % 7u}, Plane::kGpu, cold);
    EXPECT_EQ(blocks(index, hot, 1)[0], 100u) << round;
  }
  EXPECT_LE(index.bytes(), kBytes + kBytes / 4);
  EXPECT_GT(index.num_blocks(), kBytes / 32);
  EXPECT_GT(index.counters().evictions, 100000u);
}

// Against maps of sets, over few keys and endpoints so that all of them meet.
class SlowIndex {
 public:
  void store(std::uint32_t endpoint, Plane plane, const Keys& keys) {
    for (const auto key : keys) ++copies_[{key, endpoint, static_cast<int>(plane)}];
  }
  void remove(std::uint32_t endpoint, Plane plane, const Keys& keys) {
    for (const auto key : keys) {
      const auto it = copies_.find({key, endpoint, static_cast<int>(plane)});
      if (it != copies_.end() && --it->second == 0) copies_.erase(it);
    }
  }
  void clear(std::uint32_t endpoint) {
    std::erase_if(copies_, [&](const auto& entry) { return std::get<1>(entry.first) == endpoint; });
  }
  PreciseMatch match(const Keys& keys, std::uint32_t endpoint) const {
    PreciseMatch out;
    for (const auto key : keys) {
      float best = 0;
      for (int p = 0; p < 3; ++p) {
        if (copies_.contains({key, endpoint, p})) best = std::max(best, kWeights[p]);
      }
      if (best == 0) break;
      ++out.blocks;
      out.weight += best;
    }
    return out;
  }
  static constexpr float kWeights[] = {1.0f, 0.8f, 0.5f};

 private:
  std::map<std::tuple<std::uint64_t, std::uint32_t, int>, int> copies_;
};

void run_property(std::uint64_t seed, std::uint32_t num_endpoints, std::uint64_t num_keys) {
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  PreciseIndex index({});
  SlowIndex slow;
  const auto some_keys = [&] {
    Keys keys(1 + random() % 12);
    const std::uint64_t first = random() % num_keys;
    for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = (first + i) * 0x5851F42D4C957F2Du;
    return keys;
  };
  for (int step = 0; step < 4000; ++step) {
    const auto endpoint = static_cast<std::uint32_t>(random() % num_endpoints);
    const auto plane = static_cast<Plane>(random() % 8 < 6 ? 0 : random() % 3);
    const auto keys = some_keys();
    switch (random() % 16) {
      case 0:
        if (random() % 4 != 0) break;
        index.clear(EndpointId{endpoint});
        slow.clear(endpoint);
        break;
      case 1:
        index.sweep(static_cast<std::uint32_t>(random() % 100));
        break;
      case 2:
      case 3:
      case 4:
      case 5:
        index.remove(EndpointId{endpoint}, plane, keys);
        slow.remove(endpoint, plane, keys);
        break;
      default:
        index.store(EndpointId{endpoint}, plane, keys);
        slow.store(endpoint, plane, keys);
    }
    if (step % 5 != 0) continue;
    const auto found = match(index, keys, num_endpoints);
    for (std::uint32_t e = 0; e < num_endpoints; ++e) {
      const PreciseMatch want = slow.match(keys, e);
      ASSERT_EQ(found[e].blocks, want.blocks) << "step " << step << " endpoint " << e;
      ASSERT_NEAR(found[e].weight, want.weight, 1e-4) << "step " << step << " endpoint " << e;
    }
  }
}

TEST(PreciseIndex, EqualsMapsOfSets) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    run_property(seed, 3, 40);
    run_property(seed + 100, 12, 60);
    run_property(seed + 200, 150, 30);
  }
}

}  // namespace
}  // namespace nacelle::router
