#include "kernels/attention/attention.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "kernels/attention/attention_isa.h"
#include "kernels/attention/reference.h"
#include "kernels/format.h"

namespace nacelle::kernels {
namespace {

static_assert(kAttentionPart % kAttentionTile == 0);

// The functions of an instruction set; none: the reference.
struct AttentionKernel {
  AttentionRun run = nullptr;
  AttentionMerge merge = nullptr;
};

AttentionKernel kernel_for(Isa isa) {
  if (isa == Isa::kPortable) return {attention_portable, attention_merge_portable};
#if defined(__x86_64__)
  switch (isa) {
    case Isa::kReference:
    case Isa::kPortable:
      return {};
    case Isa::kAvx2:
      return {attention_avx2, attention_merge_avx2};
    case Isa::kAvx512:
    case Isa::kAvx512Vnni:
      return {attention_avx512, attention_merge_avx512};
    case Isa::kAvx512Bf16:
      return {attention_avx512bf16, attention_merge_avx512};
    case Isa::kAmx:
      return {attention_amx, attention_merge_avx512};
    case Isa::kAmxEmulated:
      return {attention_amx_emulated, attention_merge_avx512};
  }
#endif
  (void)isa;
  return {};
}

struct Batch {
  const KvLayout& layout;
  const std::byte* layer_memory;
  const AttentionPlan& plan;
  const float* q;
  std::size_t q_row_stride;
  const AttentionOptions& options;
  const OutputRows& out;

  [[nodiscard]] float out_scale() const {
    return layout.dtype == DType::kF8E4M3 ? options.kv_scales.v : 1.0F;
  }

  [[nodiscard]] AttentionJob make_job(const AttentionTask& task) const {
    AttentionJob job;
    job.q = q;
    job.q_row_stride = q_row_stride;
    job.queries = plan.queries().data() + task.first_query;
    job.num_queries = task.num_queries;
    job.num_kv_heads = task.num_kv_heads;
    job.num_heads = task.num_heads;
    job.first_head = task.first_head;
    job.head_dim = layout.head_dim;
    job.padded_dim = layout.padded_dim();
    job.first_part = task.first_part;
    job.last_part = task.last_part;
    job.window = options.sliding_window;
    job.scale =
        layout.dtype == DType::kF8E4M3 ? options.scale * options.kv_scales.k : options.scale;
    job.out_scale = out_scale();
    job.k = layer_memory + layout.k_offset(0, task.kv_head);
    job.v = layer_memory + layout.v_offset(0, task.kv_head);
    job.kv_head_bytes = layout.head_bytes();
    job.block_bytes = layout.bytes_per_block();
    job.scales_bytes = 2 * layout.half_bytes();
    job.block_table = task.block_table;
    job.block_size = layout.block_size;
    job.padded_slots = layout.padded_slots();
    job.kv_format = layout.format();
    if (task.partial) job.partials = plan.partials();
    job.out = out.data;
    job.out_row_stride = out.row_stride;
    job.out_format = format_of(out.dtype);
    return job;
  }

  [[nodiscard]] AttentionMergeJob make_merge(std::uint32_t query) const {
    AttentionMergeJob job;
    job.query = plan.queries()[query];
    job.partials = plan.partials();
    job.num_heads = plan.num_heads();
    job.head_dim = layout.head_dim;
    job.padded_dim = layout.padded_dim();
    job.out_scale = out_scale();
    job.out = out.data;
    job.out_row_stride = out.row_stride;
    job.out_format = format_of(out.dtype);
    return job;
  }

  void run_reference(const AttentionSequence& sequence, std::size_t query) const {
    const Format format = format_of(out.dtype);
    const std::size_t row = sequence.first_row + query;
    const std::size_t position = sequence.context_len - sequence.num_queries + query;
    const std::size_t num_heads = plan.num_heads();
    const std::size_t group = num_heads / layout.num_kv_heads;
    void* target = row_at(out.data, format, out.row_stride, row);
    std::array<float, kAttentionMaxDim> values;
    for (std::size_t head = 0; head < num_heads; ++head) {
      attention_reference(layout, layer_memory, sequence.block_table,
                          static_cast<std::uint32_t>(position),
                          static_cast<std::uint32_t>(head / group),
                          q + row * q_row_stride + head * layout.head_dim, options, values.data());
      for (std::size_t dim = 0; dim < layout.head_dim; ++dim) {
        store_one(target, format, head * layout.head_dim + dim, values[dim]);
      }
    }
  }
};

}  // namespace

void paged_attention(const Context& context, const KvLayout& layout, const std::byte* layer_memory,
                     const AttentionPlan& plan, const float* q, std::size_t q_row_stride,
                     const AttentionOptions& options, const OutputRows& out) {
  CHECK(options.sliding_window == plan.window());
  const Batch batch{layout, layer_memory, plan, q, q_row_stride, options, out};
  const AttentionKernel kernel = kernel_for(context.isa);
  if (kernel.run == nullptr) {
    for (const AttentionSequence& sequence : plan.sequences()) {
      context.pool.run(sequence.num_queries,
                       [&](std::size_t query) { batch.run_reference(sequence, query); });
    }
    return;
  }
  const std::span<const AttentionTask> tasks = plan.tasks();
  const std::size_t per_turn = plan.tasks_per_turn();
  context.pool.run((tasks.size() + per_turn - 1) / per_turn, [&](std::size_t turn) {
    const std::size_t end = std::min(tasks.size(), (turn + 1) * per_turn);
    for (std::size_t i = turn * per_turn; i < end; ++i) kernel.run(batch.make_job(tasks[i]));
  });
  const std::span<const std::uint32_t> merges = plan.merges();
  constexpr std::size_t kMergesPerTurn = 4;
  context.pool.run_ranges(merges.size(), kMergesPerTurn, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) kernel.merge(batch.make_merge(merges[i]));
  });
}

void paged_attention(const Context& context, const KvLayout& layout, const std::byte* layer_memory,
                     std::span<const AttentionSequence> sequences, const float* q,
                     std::size_t q_row_stride, std::uint32_t num_heads,
                     const AttentionOptions& options, const OutputRows& out) {
  AttentionPlan plan;
  plan.make(layout, sequences, num_heads, options.sliding_window, context.pool.num_threads());
  paged_attention(context, layout, layer_memory, plan, q, q_row_stride, options, out);
}

}  // namespace nacelle::kernels
