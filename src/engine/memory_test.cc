#include "engine/memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nacelle::engine {
namespace {

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

KvMemoryRequest request() {
  return {.bytes_per_block = std::uint64_t{1} << 20, .block_size = 16, .max_model_len = 4096};
}

TEST(Memory, ShareCoversWeightsAndKv) {
  const HostMemory host{.total_bytes = 10 * kGiB, .available_bytes = 9 * kGiB, .used_bytes = kGiB};
  EXPECT_EQ(kv_bytes_of_share(host, 0.5), 4 * kGiB);
  EXPECT_EQ(kv_bytes_of_share(host, 1.0), 9 * kGiB);
  EXPECT_EQ(kv_bytes_of_share(host, 0.05), 0u);
  EXPECT_EQ(kv_bytes_of_share({10 * kGiB, kGiB, kGiB}, 0.9), kGiB);  // no more than available
}

TEST(Memory, BlocksAreWhatFits) {
  const HostMemory host{.total_bytes = 4 * kGiB, .available_bytes = 4 * kGiB};
  KvMemoryRequest by_share = request();
  by_share.memory_share = 0.5;
  EXPECT_EQ(choose_num_blocks(by_share, host).value(), 2048u);
  EXPECT_EQ(choose_num_blocks(by_share, host, 1000).value(), 1000u);

  by_share.step_bytes = kGiB;  // activations and logits take half of it
  EXPECT_EQ(choose_num_blocks(by_share, host).value(), 1024u);
  by_share.step_bytes = 9 * kGiB;
  EXPECT_FALSE(choose_num_blocks(by_share, host).ok());

  KvMemoryRequest by_bytes = by_share;  // who names bytes gets them
  by_bytes.kv_bytes = kGiB + 1000;
  EXPECT_EQ(choose_num_blocks(by_bytes, host).value(), 1024u);
  by_bytes.num_blocks_override = 300;
  EXPECT_EQ(choose_num_blocks(by_bytes, host).value(), 300u);
}

TEST(Memory, OneRequestOfMaxModelLenMustFit) {
  KvMemoryRequest exact = request();  // 256 blocks and the null block
  exact.num_blocks_override = 257;
  EXPECT_EQ(choose_num_blocks(exact, {}).value(), 257u);
  exact.num_blocks_override = 256;
  const auto refused = choose_num_blocks(exact, {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Code::kResourceExhausted);
  EXPECT_THAT(refused.error().message(),
              ::testing::HasSubstr("estimated maximum model length is 4080"));
  EXPECT_THAT(refused.error().message(), ::testing::HasSubstr("max_model_len 4096 needs 0.25 GiB"));
  EXPECT_FALSE(choose_num_blocks(request(), {}).ok());
}

TEST(Memory, NonsenseIsRefused) {
  KvMemoryRequest bad = request();
  bad.bytes_per_block = 0;
  EXPECT_EQ(choose_num_blocks(bad, {}).error().code(), Code::kInvalidArgument);
  for (const double share : {0.0, -1.0, 1.1, std::numeric_limits<double>::quiet_NaN()}) {
    bad = request();
    bad.memory_share = share;
    EXPECT_EQ(choose_num_blocks(bad, {}).error().code(), Code::kInvalidArgument);
  }
}

}  // namespace
}  // namespace nacelle::engine
