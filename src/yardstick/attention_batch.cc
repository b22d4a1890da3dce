#include "yardstick/attention_batch.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "base/check.h"
#include "yardstick/random_values.h"

namespace nacelle::yardstick {
namespace {

constexpr std::uint32_t kBlock = 16;
constexpr std::size_t kSpreadBytes = std::size_t{256} << 20;

}  // namespace

Result<std::shared_ptr<AttentionBatch>> AttentionBatch::make(
    kernels::WorkerPool& pool, kernels::Isa isa, const AttentionShape& shape, const Span& span,
    std::uint32_t sequences, const KvUse& kv) {
  CHECK(kv.shared % kBlock == 0 && kv.shared <= span.context);
  std::shared_ptr<AttentionBatch> made(new AttentionBatch(pool, isa, shape, span));
  const std::uint32_t blocks = (span.context + kBlock - 1) / kBlock;
  made->layout_ = {.num_blocks = 1,
                   .block_size = kBlock,
                   .num_kv_heads = shape.kv_heads,
                   .head_dim = shape.head_dim,
                   .dtype = kv.dtype};
  const std::size_t copy_bytes = made->layout_.bytes_per_block() * blocks * sequences;
  made->sequences_ = sequences;
  made->copies_ = std::max<std::size_t>(1, kSpreadBytes / copy_bytes);
  const auto total = static_cast<std::uint32_t>(sequences * made->copies_);
  made->layout_.num_blocks = blocks * total;
  const std::size_t q_width = std::size_t{shape.heads} * shape.head_dim;
  const std::size_t kv_width = std::size_t{shape.kv_heads} * shape.head_dim;
  const std::size_t rows = std::size_t{span.queries} * sequences;
  ASSIGN_OR_RETURN(made->memory_, Buffer::allocate(made->layout_.bytes()));
  ASSIGN_OR_RETURN(made->queries_, random_values(pool, DType::kF32, rows * q_width, 1));
  ASSIGN_OR_RETURN(made->out_, Buffer::allocate(rows * q_width * size_of(DType::kBF16)));
  ASSIGN_OR_RETURN(const Buffer values,
                   random_values(pool, DType::kF32, span.context * kv_width, 2));

  // Blocks in random order, as a pool hands them out after a while.
  std::vector<std::uint32_t> order(made->layout_.num_blocks);
  std::iota(order.begin(), order.end(), 0u);
  std::shuffle(order.begin(), order.end(), std::mt19937(1));
  for (std::uint32_t i = 0; i < total; ++i) {
    const auto first = order.begin() + static_cast<std::ptrdiff_t>(std::size_t{i} * blocks);
    auto& table = made->tables_.emplace_back(first, first + blocks);
    const auto& leader = made->tables_[i / sequences * sequences];  // of this copy
    std::copy_n(leader.begin(), kv.shared / kBlock, table.begin());
    const kernels::AttentionSequence all{0, span.context, span.context, table};
    const float* const both = values.as<float>().data();
    store_kv(made->context_, made->layout_, made->memory_.data(), {&all, 1}, both, kv_width, both,
             kv_width);
  }
  return made;
}

void AttentionBatch::run(const Span& span) {
  batch_.clear();
  for (std::size_t i = 0; i < sequences_; ++i) {
    batch_.push_back({static_cast<std::uint32_t>(i) * span.queries, span.queries, span.context,
                      tables_[turn_ * sequences_ + i]});
  }
  turn_ = (turn_ + 1) % copies_;
  const std::size_t width = std::size_t{shape_.heads} * shape_.head_dim;
  paged_attention(context_, layout_, memory_.data(), batch_, queries_.as<float>().data(), width,
                  shape_.heads, {1.0F / std::sqrt(static_cast<float>(shape_.head_dim)), 0},
                  {out_.data(), DType::kBF16, width});
}

}  // namespace nacelle::yardstick
