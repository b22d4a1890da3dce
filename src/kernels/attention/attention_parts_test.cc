// Contexts of several parts: whatever cuts them into tasks, the bits are those of a sequence that
// is alone, on one thread.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "kernels/attention/attention.h"
#include "kernels/attention/testing/paged_sequence.h"

namespace nacelle::kernels {
namespace {

using testing::Heads;
using testing::run_whole;
using testing::same_bits;
using testing::Sequence;

TEST(AttentionParts, LongContextsAgreeWithTheDefinition) {
  WorkerPool pool(2);
  const AttentionOptions options{0.25F, 0};
  for (const DType dtype : {DType::kBF16, DType::kF32}) {
    const Sequence sequence({2, 1, 16}, 800, dtype, 1);
    std::vector<float> spread;
    const std::vector<float> exact = sequence.exact(options, &spread);
    for (const Isa isa : supported_isas()) {
      const std::vector<float> out = run_whole({pool, isa}, sequence, 16, options);
      for (std::size_t i = 0; i < out.size(); ++i) {
        ASSERT_NEAR(out[i], exact[i], testing::tolerance(isa, dtype, spread[i])) << to_string(isa);
      }
    }
  }
}

constexpr std::uint32_t kMostTokens = 1030;

// Sequences in one memory; those of a family share the blocks of a prefix.
class SharedBatch {
 public:
  SharedBatch(Heads heads, DType dtype, std::uint32_t block_size)
      : heads_(heads), layout_{400, block_size, heads.kv, heads.dim, dtype} {
    memory_ = Buffer::allocate(layout_.bytes()).value();
  }

  // A sequence of `length` whose first `shared` tokens are those of the sequences with the same
  // seed; the last `queries` of it are in the batch.
  void add(const Context& context, std::uint32_t seed, std::uint32_t shared, std::uint32_t length,
           std::uint32_t queries, const AttentionOptions& options) {
    // Of equal length before they are cut, so that the same seed gives the same prefix.
    Sequence sequence(heads_, kMostTokens, layout_.dtype, seed);
    const Sequence tail(heads_, kMostTokens, layout_.dtype, 1000 + next_block_);
    sequence.length = length;
    const auto replace = [&](std::vector<float>& to, const std::vector<float>& from,
                             std::uint32_t heads) {
      const auto first = static_cast<std::ptrdiff_t>(std::size_t{shared} * heads * heads_.dim);
      std::copy(from.begin() + first, from.end(), to.begin() + first);
      to.resize(std::size_t{length} * heads * heads_.dim);
    };
    replace(sequence.q, tail.q, heads_.query);
    replace(sequence.k, tail.k, heads_.kv);
    replace(sequence.v, tail.v, heads_.kv);
    std::vector<std::uint32_t>& family = families_[seed];
    const std::uint32_t shared_blocks = shared / layout_.block_size;
    std::vector<std::uint32_t> table;
    for (std::uint32_t at = 0; at * layout_.block_size < length; ++at) {
      if (at >= shared_blocks) {
        table.push_back(next_block_++);
      } else {
        if (at >= family.size()) family.push_back(next_block_++);
        table.push_back(family[at]);
      }
    }
    tables_.push_back(table);
    const std::size_t kv_width = heads_.kv * heads_.dim;
    const AttentionSequence all{0, length, length, table};
    store_kv(context, layout_, memory_.data(), {&all, 1}, sequence.k.data(), kv_width,
             sequence.v.data(), kv_width, options.kv_scales);
    const std::vector<float> alone = run_whole(context, sequence, 16, options);
    const std::size_t q_width = heads_.query * heads_.dim;
    batch_.push_back({static_cast<std::uint32_t>(q_.size() / q_width), queries, length, {}});
    const auto first = static_cast<std::ptrdiff_t>((length - queries) * q_width);
    q_.insert(q_.end(), sequence.q.begin() + first, sequence.q.end());
    expected_.insert(expected_.end(), alone.begin() + first, alone.end());
  }

  bool same_bits_on(const Context& context, const AttentionOptions& options, AttentionPlan& plan) {
    for (std::size_t i = 0; i < batch_.size(); ++i) batch_[i].block_table = tables_[i];
    const std::size_t q_width = heads_.query * heads_.dim;
    std::vector<float> out(q_.size());
    plan.make(layout_, batch_, heads_.query, options.sliding_window, context.pool.num_threads());
    paged_attention(context, layout_, memory_.data(), plan, q_.data(), q_width, options,
                    {out.data(), DType::kF32, q_width});
    return same_bits(out, expected_);
  }

 private:
  Heads heads_;
  KvLayout layout_;
  Buffer memory_;
  std::uint32_t next_block_ = 1;
  std::map<std::uint32_t, std::vector<std::uint32_t>> families_;
  std::vector<std::vector<std::uint32_t>> tables_;
  std::vector<AttentionSequence> batch_;
  std::vector<float> q_, expected_;
};

TEST(AttentionParts, BitsDoNotDependOnSharedPrefixesOrThreads) {
  WorkerPool one(1);
  WorkerPool five(5);
  for (const Isa isa : supported_isas()) {
    if (isa == Isa::kReference) continue;  // row by row by its nature
    for (const DType dtype : {DType::kBF16, DType::kF32, DType::kF16, DType::kF8E4M3, DType::kI8}) {
      for (const std::uint32_t window : {0u, 300u}) {
        SCOPED_TRACE(fmt::format("{} {} window {}", to_string(isa), to_string(dtype), window));
        AttentionOptions options{0.25F, window};
        if (dtype == DType::kF8E4M3) options.kv_scales = {0.5F, 0.25F};
        SharedBatch batch({4, 2, 16}, dtype, 16);
        const Context context{one, isa};
        batch.add(context, 1, 528, 700, 1, options);
        batch.add(context, 1, 528, 529, 1, options);
        batch.add(context, 2, 256, 300, 3, options);   // a speculative decode
        batch.add(context, 1, 272, 1030, 1, options);  // forks earlier
        batch.add(context, 2, 256, 256, 1, options);   // its whole context is shared
        batch.add(context, 3, 0, 600, 40, options);    // a prefill chunk
        batch.add(context, 2, 256, 513, 1, options);
        batch.add(context, 4, 0, 5, 5, options);
        AttentionPlan plan;
        for (WorkerPool* pool : {&one, &five}) {
          EXPECT_TRUE(batch.same_bits_on({*pool, isa}, options, plan));
        }
        EXPECT_FALSE(plan.merges().empty());
      }
    }
  }
}

TEST(AttentionPlan, ALongDecodeIsCutForTheThreads) {
  const KvLayout layout{1024, 16, 8, 128, DType::kBF16};
  std::vector<std::uint32_t> table(1024);
  for (std::uint32_t i = 0; i < 1024; ++i) table[i] = i;
  const AttentionSequence decode{0, 1, 16384, table};
  AttentionPlan plan;
  plan.make(layout, {&decode, 1}, 16, 0, 1);
  EXPECT_EQ(plan.tasks().size(), 1u);
  EXPECT_TRUE(plan.merges().empty());
  plan.make(layout, {&decode, 1}, 16, 0, 4);
  EXPECT_GE(plan.tasks().size(), 16u);
  EXPECT_EQ(plan.merges().size(), 1u);
  std::vector<int> seen(64 * 8, 0);  // every (part, KV head) once
  for (const AttentionTask& task : plan.tasks()) {
    for (std::uint32_t part = task.first_part; part < task.last_part; ++part) {
      for (std::uint32_t i = 0; i < task.num_kv_heads; ++i) ++seen[part * 8 + task.kv_head + i];
    }
  }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), 64 * 8);
}

TEST(AttentionPlan, SharedPartsAreReadOnce) {
  const KvLayout layout{2048, 16, 8, 128, DType::kBF16};
  std::vector<std::vector<std::uint32_t>> tables(16);
  std::vector<AttentionSequence> batch;
  for (std::uint32_t i = 0; i < 16; ++i) {
    for (std::uint32_t at = 0; at < 64; ++at) tables[i].push_back(at < 48 ? at : 64 + i * 16 + at);
    batch.push_back({i, 1, 1024, tables[i]});
  }
  AttentionPlan plan;
  plan.make(layout, batch, 16, 0, 2);
  std::size_t shared = 0;  // (part, KV head) pairs
  std::size_t own = 0;
  for (const AttentionTask& task : plan.tasks()) {
    const std::size_t pairs = (task.last_part - task.first_part) * task.num_kv_heads;
    (task.num_queries > 1 ? shared : own) += pairs;
  }
  EXPECT_EQ(shared, 3u * 8);
  EXPECT_EQ(own, 16u * 8);
}

}  // namespace
}  // namespace nacelle::kernels
