#include "kernels/attention/attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/attention/testing/paged_sequence.h"
#include "kernels/format.h"

namespace nacelle::kernels {
namespace {

using testing::Heads;
using testing::Paged;
using testing::rounded;
using testing::run_chunk;
using testing::run_whole;
using testing::same_bits;
using testing::Sequence;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(Attention, EverySetAgreesWithTheDefinition) {
  struct Case {
    Heads heads;
    std::uint32_t length;
    std::uint32_t block_size;
    std::uint32_t window;
    DType dtype;
  };
  const Case cases[] = {
      {{1, 1, 8}, 1, 16, 0, DType::kF32},        {{2, 2, 64}, 70, 16, 0, DType::kBF16},
      {{16, 8, 128}, 150, 16, 0, DType::kBF16},  {{4, 2, 80}, 65, 32, 0, DType::kF16},
      {{6, 1, 96}, 129, 64, 0, DType::kF32},     {{71, 1, 16}, 40, 16, 0, DType::kBF16},
      {{4, 4, 24}, 90, 8, 0, DType::kBF16},      {{2, 1, 256}, 80, 16, 0, DType::kF16},
      {{3, 1, 512}, 70, 128, 0, DType::kBF16},   {{4, 2, 32}, 67, 5, 0, DType::kF16},
      {{2, 1, 17}, 66, 1, 0, DType::kF32},       {{4, 2, 64}, 200, 16, 1, DType::kBF16},
      {{4, 2, 64}, 200, 16, 7, DType::kF32},     {{4, 2, 64}, 200, 32, 64, DType::kF16},
      {{8, 2, 128}, 260, 16, 100, DType::kBF16}, {{2, 1, 32}, 140, 3, 70, DType::kBF16},
      {{19, 1, 160}, 70, 16, 0, DType::kBF16},   {{34, 2, 32}, 70, 16, 9, DType::kBF16}};
  WorkerPool pool(2);
  std::uint32_t seed = 100;
  for (const Case& c : cases) {
    const Sequence sequence(c.heads, c.length, c.dtype, seed++);
    const AttentionOptions options{1.0F / std::sqrt(static_cast<float>(c.heads.dim)), c.window};
    std::vector<float> spread;
    const std::vector<float> exact = sequence.exact(options, &spread);
    for (const Isa isa : supported_isas()) {
      SCOPED_TRACE(fmt::format("{} heads {}/{} dim {} length {} block {} window {} {}",
                               to_string(isa), c.heads.query, c.heads.kv, c.heads.dim, c.length,
                               c.block_size, c.window, to_string(c.dtype)));
      const std::vector<float> out = run_whole({pool, isa}, sequence, c.block_size, options);
      for (std::size_t i = 0; i < out.size(); ++i) {
        ASSERT_NEAR(out[i], exact[i], testing::tolerance(isa, c.dtype, spread[i])) << i;
      }
    }
  }
}

TEST(Attention, BitsDoNotDependOnChunking) {
  WorkerPool pool(2);
  for (const DType dtype : {DType::kBF16, DType::kF16, DType::kF32}) {
    for (const std::uint32_t window : {0u, 50u}) {
      const Sequence sequence({4, 2, 64}, 210, dtype, 3);
      const AttentionOptions options{0.125F, window};
      for (const Isa isa : supported_isas()) {
        SCOPED_TRACE(fmt::format("{} {} window {}", to_string(isa), to_string(dtype), window));
        const Context context{pool, isa};
        const std::vector<float> whole = run_whole(context, sequence, 16, options);
        std::mt19937 random(17);
        for (const std::uint32_t most : {1u, 7u, 64u, 100u}) {  // 1: decode token by token
          if (isa == Isa::kReference && most != 7) continue;    // slow, and the same in all
          Paged paged(sequence, 16, 6);
          std::vector<float> out(sequence.q.size());
          for (std::uint32_t begin = 0; begin < sequence.length;) {
            const std::uint32_t wanted = 1 + static_cast<std::uint32_t>(random()) % most;
            const std::uint32_t count = std::min(wanted, sequence.length - begin);
            run_chunk(context, sequence, paged, begin, count, options, out);
            begin += count;
          }
          ASSERT_TRUE(same_bits(out, whole)) << "chunks of up to " << most;
        }
      }
    }
  }
}

TEST(Attention, BitsDoNotDependOnBlockSizeOrThreads) {
  WorkerPool one(1);
  WorkerPool two(2);
  const AttentionOptions options{0.125F, 90};
  for (const DType dtype : {DType::kBF16, DType::kF32}) {
    const Sequence sequence({6, 2, 48}, 180, dtype, 4);
    for (const Isa isa : supported_isas()) {
      const std::vector<float> expected = run_whole({one, isa}, sequence, 16, options);
      for (const std::uint32_t block_size : {1u, 5u, 8u, 16u, 32u, 48u, 64u, 256u}) {
        if (isa == Isa::kReference && block_size != 5) continue;  // slow, and the same in all
        SCOPED_TRACE(fmt::format("{} {} block {}", to_string(isa), to_string(dtype), block_size));
        EXPECT_TRUE(same_bits(run_whole({one, isa}, sequence, block_size, options), expected));
        EXPECT_TRUE(same_bits(run_whole({two, isa}, sequence, block_size, options), expected));
      }
    }
  }
}

TEST(Attention, BitsDoNotDependOnTheRestOfTheBatch) {
  WorkerPool one(1);
  WorkerPool two(2);
  const Heads heads{8, 4, 64};
  const std::size_t q_width = heads.query * heads.dim;
  const std::size_t kv_width = heads.kv * heads.dim;
  const AttentionOptions options{0.125F, 0};
  // Chunks: all of one sequence, the last 20 of another, one decode token each of the others.
  const std::vector<std::uint32_t> lengths = {33, 150, 1, 64, 65, 200, 7, 128};
  const std::vector<std::uint32_t> counts = {33, 20, 1, 1, 1, 1, 1, 1};
  const KvLayout layout{64, 16, heads.kv, heads.dim, DType::kBF16};
  for (const Isa isa : supported_isas()) {
    SCOPED_TRACE(to_string(isa));
    Buffer memory = Buffer::allocate(layout.bytes()).value();
    std::vector<std::vector<std::uint32_t>> tables;
    std::vector<AttentionSequence> batch;
    std::vector<float> q, expected;
    std::uint32_t next_block = 1;
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      const Sequence sequence(heads, lengths[i], DType::kBF16, 40 + static_cast<std::uint32_t>(i));
      std::vector<std::uint32_t> table((lengths[i] + 15) / 16);
      for (std::uint32_t& block : table) block = next_block++;
      tables.push_back(table);
      const AttentionSequence all{0, lengths[i], lengths[i], table};
      store_kv({one, isa}, layout, memory.data(), {&all, 1}, sequence.k.data(), kv_width,
               sequence.v.data(), kv_width);
      const std::vector<float> alone = run_whole({one, isa}, sequence, 16, options);
      batch.push_back({static_cast<std::uint32_t>(q.size() / q_width), counts[i], lengths[i], {}});
      const auto first = static_cast<std::ptrdiff_t>((lengths[i] - counts[i]) * q_width);
      q.insert(q.end(), sequence.q.begin() + first, sequence.q.end());
      expected.insert(expected.end(), alone.begin() + first, alone.end());
    }
    for (std::size_t i = 0; i < batch.size(); ++i) batch[i].block_table = tables[i];
    for (WorkerPool* pool : {&one, &two}) {
      std::vector<float> out(q.size());
      paged_attention({*pool, isa}, layout, memory.data(), batch, q.data(), q_width, heads.query,
                      options, {out.data(), DType::kF32, q_width});
      EXPECT_TRUE(same_bits(out, expected));
    }
  }
}

// A tiny sum rounds to -0, and +0 added to it gives +0: positions that only other rows of a task
// see must not decide the sign. Each dimension makes a -0 in another way: a sum that tiles flush,
// an underflow, a product that pairs of bf16 flush.
TEST(Attention, BitsOfZerosDoNotDependOnChunking) {
  WorkerPool pool(1);
  constexpr std::uint32_t kDim = 16;
  for (const DType dtype : {DType::kBF16, DType::kF32}) {
    Sequence sequence({1, 1, kDim}, 40, dtype, 1);
    std::fill(sequence.q.begin(), sequence.q.end(), 1.0F);
    std::fill(sequence.k.begin(), sequence.k.end(), 0.0F);
    std::fill(sequence.v.begin(), sequence.v.end(), 0.0F);
    std::fill(sequence.v.begin() + 32 * kDim, sequence.v.end(), 1.0F);
    sequence.k[31 * kDim] = -20.0F;
    sequence.v[0] = 0x1p-126F;
    sequence.v[16 * kDim] = -0x1.8p-126F;
    sequence.v[31 * kDim + 1] = -0x1p-133F;
    sequence.v[30 * kDim + 2] = -0.0F;
    sequence.v[31 * kDim + 2] = -0x1p-126F;
    for (const Isa isa : supported_isas()) {
      SCOPED_TRACE(fmt::format("{} {}", to_string(isa), to_string(dtype)));
      const std::vector<float> whole = run_whole({pool, isa}, sequence, 16, {});
      Paged paged(sequence, 16, 6);
      std::vector<float> out(sequence.q.size());
      run_chunk({pool, isa}, sequence, paged, 0, 32, {}, out);
      run_chunk({pool, isa}, sequence, paged, 32, 8, {}, out);
      EXPECT_TRUE(same_bits(out, whole));
    }
  }
}

TEST(Attention, MemoryOutsideTheVisibleSlotsIsNeverUsed) {
  WorkerPool pool(1);
  for (const DType dtype : {DType::kBF16, DType::kF16, DType::kF32}) {
    for (const Isa isa : supported_isas()) {
      for (const std::uint32_t block_size : {16u, 8u}) {
        SCOPED_TRACE(fmt::format("{} {} block {}", to_string(isa), to_string(dtype), block_size));
        const Context context{pool, isa};
        const Sequence sequence({2, 1, 32}, 101, dtype, 9);
        const AttentionOptions options{0.2F, 20};
        const std::vector<float> expected = run_whole(context, sequence, block_size, options);
        Paged paged(sequence, block_size, 1);
        for (std::size_t i = 0; i < paged.layout.bytes() / size_of(dtype); ++i) {
          store_one(paged.memory.data(), format_of(dtype), i, kNan);
        }
        // Only the blocks that the last query's window touches are written. Slots of the last block
        // after the context, and all blocks before the window, keep their NaN.
        const std::uint32_t begin = (101 - 20) / block_size * block_size;
        const std::vector<std::uint32_t> table = paged.table;
        for (std::uint32_t position = begin; position < 101; ++position) {
          const AttentionSequence token{0, 1, position + 1, table};
          const float* k = &sequence.k[position * 32];
          store_kv(context, paged.layout, paged.memory.data(), {&token, 1}, k, 32,
                   &sequence.v[position * 32], 32);
        }
        const AttentionSequence last{0, 1, 101, table};
        std::vector<float> out(64);
        paged_attention(context, paged.layout, paged.memory.data(), {&last, 1},
                        &sequence.q[100 * 64], 64, 2, options, {out.data(), DType::kF32, 64});
        EXPECT_EQ(std::memcmp(out.data(), &expected[100 * 64], out.size() * 4), 0);
      }
    }
  }
}

TEST(Attention, NanAndInfinityInAQueryStayInItsRow) {
  WorkerPool pool(1);
  const AttentionOptions options{0.125F, 0};
  for (const Isa isa : supported_isas()) {
    Sequence sequence({2, 1, 64}, 30, DType::kBF16, 11);
    const std::vector<float> clean = run_whole({pool, isa}, sequence, 16, options);
    sequence.q[5 * 128] = kNan;
    sequence.q[7 * 128 + 64] = std::numeric_limits<float>::infinity();
    const std::vector<float> out = run_whole({pool, isa}, sequence, 16, options);
    for (std::size_t row = 0; row < 60; ++row) {  // (position, head)
      if (row == 10) {
        EXPECT_TRUE(std::isnan(out[row * 64]));
      } else if (row != 15) {
        EXPECT_EQ(std::memcmp(&out[row * 64], &clean[row * 64], 64 * 4), 0) << row;
      }
    }
  }
}

TEST(Attention, WritesEveryOutputTypeByItsStride) {
  WorkerPool pool(1);
  const Sequence sequence({2, 1, 24}, 20, DType::kBF16, 12);
  const AttentionOptions options{0.2F, 0};
  for (const Isa isa : supported_isas()) {
    const std::vector<float> expected = run_whole({pool, isa}, sequence, 16, options);
    for (const DType dtype : {DType::kBF16, DType::kF16}) {
      Paged paged(sequence, 16, 1);
      const AttentionSequence all{0, 20, 20, paged.table};
      store_kv({pool, isa}, paged.layout, paged.memory.data(), {&all, 1}, sequence.k.data(), 24,
               sequence.v.data(), 24);
      std::vector<std::uint16_t> out(20 * 50, 0x1234);
      paged_attention({pool, isa}, paged.layout, paged.memory.data(), {&all, 1}, sequence.q.data(),
                      48, 2, options, {out.data(), dtype, 50});
      const std::vector<float> wanted = rounded(expected, dtype);
      for (std::size_t row = 0; row < 20; ++row) {
        for (std::size_t i = 0; i < 48; ++i) {
          ASSERT_EQ(load_one(out.data(), format_of(dtype), row * 50 + i), wanted[row * 48 + i]);
        }
        ASSERT_EQ(out[row * 50 + 48], 0x1234);
        ASSERT_EQ(out[row * 50 + 49], 0x1234);
      }
    }
  }
}

TEST(KvLayout, RefusesWhatItCannotHold) {
  const KvLayout good{4, 16, 2, 64, DType::kBF16};
  EXPECT_TRUE(good.validate().ok());
  EXPECT_EQ(good.bytes_per_block(), 2u * 2 * 64 * 16 * 2);
  EXPECT_EQ((KvLayout{4, 16, 2, 64, DType::kF8E4M3}.bytes_per_block()), 2u * 2 * 64 * 16);
  EXPECT_EQ((KvLayout{4, 16, 2, 64, DType::kI8}.bytes_per_block()), 2u * 2 * (64 + 4) * 16);
  EXPECT_EQ((KvLayout{0, 16, 2, 64, DType::kBF16}.validate().code()), Code::kInvalidArgument);
  EXPECT_EQ((KvLayout{4, 0, 2, 64, DType::kBF16}.validate().code()), Code::kInvalidArgument);
  EXPECT_EQ((KvLayout{4, 16, 0, 64, DType::kBF16}.validate().code()), Code::kInvalidArgument);
  EXPECT_EQ((KvLayout{4, 16, 2, 513, DType::kBF16}.validate().code()), Code::kInvalidArgument);
  EXPECT_EQ((KvLayout{4, 16, 2, 64, DType::kI16}.validate().code()), Code::kInvalidArgument);
}

}  // namespace
}  // namespace nacelle::kernels
