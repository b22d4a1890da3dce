// Tasks that the plan does not make today but attention_isa.h allows: several KV heads with more
// rows than a tile holds. Each KV head must get the bits of a task of its own.
#include <gtest/gtest.h>

#include <vector>

#include "kernels/attention/attention_isa.h"
#include "kernels/attention/testing/paged_sequence.h"

namespace nacelle::kernels {
namespace {

using testing::Paged;
using testing::same_bits;
using testing::Sequence;

#if defined(__x86_64__)
TEST(AttentionRowTiles, KvHeadsOfOneTaskAreThoseOfTheirOwn) {
  if (!is_supported(Isa::kAmxEmulated)) GTEST_SKIP() << "no AVX-512 BF16";
  WorkerPool pool(1);
  for (const std::uint32_t group : {3u, 16u, 17u, 18u, 24u}) {
    SCOPED_TRACE(group);
    const Sequence sequence({2 * group, 2, 48}, 90, DType::kBF16, group);
    Paged paged(sequence, 16, 3);
    const AttentionSequence all{0, 90, 90, paged.table};
    store_kv({pool, Isa::kAmxEmulated}, paged.layout, paged.memory.data(), {&all, 1},
             sequence.k.data(), 96, sequence.v.data(), 96);
    const std::size_t width = std::size_t{2} * group * 48;
    const AttentionQuery query{.row = 0, .position = 89};
    AttentionJob job;
    job.q = sequence.q.data();
    job.q_row_stride = width;
    job.queries = &query;
    job.num_queries = 1;
    job.num_kv_heads = 2;
    job.num_heads = group;
    job.head_dim = 48;
    job.padded_dim = paged.layout.padded_dim();
    job.last_part = 1;
    job.scale = 0.1F;
    job.k = paged.memory.data() + paged.layout.k_offset(0, 0);
    job.v = paged.memory.data() + paged.layout.v_offset(0, 0);
    job.kv_head_bytes = paged.layout.head_bytes();
    job.block_bytes = paged.layout.bytes_per_block();
    job.block_table = paged.table.data();
    job.block_size = 16;
    job.padded_slots = paged.layout.padded_slots();
    std::vector<float> together(width);
    job.out = together.data();
    job.out_row_stride = width;
    attention_amx_emulated(job);
    std::vector<float> apart(width);
    job.out = apart.data();
    job.num_kv_heads = 1;
    attention_amx_emulated(job);
    job.first_head = group;
    job.k += job.kv_head_bytes;
    job.v += job.kv_head_bytes;
    attention_amx_emulated(job);
    EXPECT_TRUE(same_bits(together, apart));
  }
}
#endif

}  // namespace
}  // namespace nacelle::kernels
