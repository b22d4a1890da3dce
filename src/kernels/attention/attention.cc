#include "kernels/attention/attention.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/check.h"
#include "kernels/attention/attention_isa.h"
#include "kernels/attention/reference.h"
#include "kernels/format.h"

namespace nacelle::kernels {
namespace {

static_assert(kKvTile == kAttentionTile);

constexpr std::size_t kMinRangeWork = 1 << 18;  // multiply-adds worth handing to a thread

AttentionRun kernel_for(Isa isa) {
  if (isa == Isa::kPortable) return attention_portable;
#if defined(__x86_64__)
  switch (isa) {
    case Isa::kReference:
    case Isa::kPortable:
      return nullptr;
    case Isa::kAvx2:
      return attention_avx2;
    case Isa::kAvx512:
    case Isa::kAvx512Vnni:
      return attention_avx512;
    case Isa::kAvx512Bf16:
      return attention_avx512bf16;
    case Isa::kAmx:
      return attention_amx;
    case Isa::kAmxEmulated:
      return attention_amx_emulated;
  }
#endif
  (void)isa;
  return nullptr;
}

// How one sequence's (KV head, query, head) rows are cut into tasks: kv_parts x head_parts x
// query_tiles of them. A chunk of few queries takes several KV heads at once: they lie side by side
// in a block, so the task reads long runs of memory.
struct Cut {
  std::size_t group = 1;  // query heads per KV head
  std::size_t kv_heads_per_task = 1;
  std::size_t kv_parts = 1;        // parts that the KV heads are cut into
  std::size_t heads_per_task = 1;  // at most group
  std::size_t head_parts = 1;      // parts that a group is cut into
  std::size_t queries_per_task = 1;
  std::size_t query_tiles = 1;

  [[nodiscard]] std::size_t num_tasks() const { return kv_parts * head_parts * query_tiles; }
};

std::size_t divide_up(std::size_t value, std::size_t by) { return (value + by - 1) / by; }

// `min_parts`: into how many parts the KV heads have to be cut so that every thread gets work.
Cut make_cut(const KvLayout& layout, std::size_t num_heads, std::size_t num_queries,
             std::size_t min_parts) {
  const std::size_t most_rows =
      std::min(kAttentionMaxRows, kAttentionMaxValues / layout.padded_dim());
  Cut cut;
  cut.group = num_heads / layout.num_kv_heads;
  cut.heads_per_task = std::min(cut.group, most_rows);
  cut.head_parts = divide_up(cut.group, cut.heads_per_task);
  cut.queries_per_task = std::max<std::size_t>(1, most_rows / cut.heads_per_task);
  cut.query_tiles = divide_up(num_queries, cut.queries_per_task);
  const std::size_t head_rows = std::max<std::size_t>(1, num_queries) * cut.group;
  if (cut.head_parts == 1 && head_rows <= kAttentionFewRows) {
    cut.kv_heads_per_task = std::min({most_rows / head_rows, std::size_t{layout.num_kv_heads},
                                      divide_up(layout.num_kv_heads, min_parts)});
  }
  cut.kv_parts = divide_up(layout.num_kv_heads, cut.kv_heads_per_task);
  return cut;
}

struct Batch {
  const KvLayout& layout;
  const std::byte* layer_memory;
  std::span<const AttentionSequence> sequences;
  const float* q;
  std::size_t q_row_stride;
  std::size_t num_heads;
  const AttentionOptions& options;
  const OutputRows& out;

  // Task `index` of `sequence`. Tiles come last first: they see most, so they should start early.
  AttentionJob make_job(const Cut& cut, const AttentionSequence& sequence,
                        std::size_t index) const {
    const std::size_t tile = cut.query_tiles - 1 - index % cut.query_tiles;
    const std::size_t first_query = tile * cut.queries_per_task;
    const std::size_t part = index / cut.query_tiles % cut.head_parts;
    const std::size_t kv_part = index / cut.query_tiles / cut.head_parts;
    const auto kv_head = static_cast<std::uint32_t>(kv_part * cut.kv_heads_per_task);
    const std::size_t first_head = kv_head * cut.group + part * cut.heads_per_task;
    const std::size_t row = sequence.first_row + first_query;

    AttentionJob job;
    job.q = q + row * q_row_stride + first_head * layout.head_dim;
    job.q_row_stride = q_row_stride;
    job.num_queries = std::min(cut.queries_per_task, sequence.num_queries - first_query);
    job.num_kv_heads = std::min<std::size_t>(cut.kv_heads_per_task, layout.num_kv_heads - kv_head);
    job.num_heads = std::min(cut.heads_per_task, (kv_head + 1) * cut.group - first_head);
    job.head_dim = layout.head_dim;
    job.padded_dim = layout.padded_dim();
    job.first_position = sequence.context_len - sequence.num_queries + first_query;
    job.window = options.sliding_window;
    job.scale = options.scale;
    job.k = layer_memory + layout.k_offset(0, kv_head);
    job.v = layer_memory + layout.v_offset(0, kv_head);
    job.kv_head_bytes = layout.k_offset(0, 1);
    job.block_bytes = layout.bytes_per_block();
    job.block_table = sequence.block_table.data();
    job.block_size = layout.block_size;
    job.padded_slots = layout.padded_slots();
    job.kv_format = format_of(layout.dtype);
    job.out_format = format_of(out.dtype);
    job.out =
        row_at(out.data, job.out_format, 1, row * out.row_stride + first_head * layout.head_dim);
    job.out_row_stride = out.row_stride;
    return job;
  }

  void run_reference(const AttentionSequence& sequence, std::size_t query) const {
    const Format format = format_of(out.dtype);
    const std::size_t row = sequence.first_row + query;
    const std::size_t position = sequence.context_len - sequence.num_queries + query;
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

void check_sequences(const KvLayout& layout, std::span<const AttentionSequence> sequences) {
  for (const AttentionSequence& sequence : sequences) {
    CHECK(sequence.num_queries <= sequence.context_len);
    CHECK(sequence.block_table.size() * layout.block_size >= sequence.context_len);
    for (const std::uint32_t block : sequence.block_table) CHECK(block < layout.num_blocks);
  }
}

}  // namespace

void paged_attention(const Context& context, const KvLayout& layout, const std::byte* layer_memory,
                     std::span<const AttentionSequence> sequences, const float* q,
                     std::size_t q_row_stride, std::uint32_t num_heads,
                     const AttentionOptions& options, const OutputRows& out) {
  CHECK(layout.validate().ok() && num_heads != 0 && num_heads % layout.num_kv_heads == 0);
  check_sequences(layout, sequences);
  const Batch batch{layout, layer_memory, sequences, q, q_row_stride, num_heads, options, out};
  const AttentionRun run = kernel_for(context.isa);
  if (run == nullptr) {
    for (const AttentionSequence& sequence : sequences) {
      context.pool.run(sequence.num_queries,
                       [&](std::size_t query) { batch.run_reference(sequence, query); });
    }
    return;
  }
  // first_task[i] is the number of tasks before sequence i.
  const std::size_t threads = context.pool.num_threads();
  const std::size_t wanted_tasks = threads == 1 ? 1 : threads * 4;
  const std::size_t min_parts = divide_up(wanted_tasks, std::max<std::size_t>(1, sequences.size()));
  std::vector<Cut> cuts;
  std::vector<std::size_t> first_task = {0};
  std::size_t work = 0;
  for (const AttentionSequence& sequence : sequences) {
    cuts.push_back(make_cut(layout, num_heads, sequence.num_queries, min_parts));
    const std::size_t tasks = sequence.num_queries == 0 ? 0 : cuts.back().num_tasks();
    first_task.push_back(first_task.back() + tasks);
    work += std::size_t{sequence.num_queries} * sequence.context_len;
  }
  const std::size_t num_tasks = first_task.back();
  if (num_tasks == 0) return;
  const std::size_t task_work = work * num_heads * layout.head_dim * 2 / num_tasks;
  context.pool.run_ranges(
      num_tasks, kMinRangeWork / std::max<std::size_t>(1, task_work) + 1,
      [&](std::size_t begin, std::size_t end) {
        const auto after = std::upper_bound(first_task.begin(), first_task.end(), begin);
        auto index = static_cast<std::size_t>(after - first_task.begin()) - 1;
        for (std::size_t task = begin; task < end; ++task) {
          while (task >= first_task[index + 1]) ++index;
          run(batch.make_job(cuts[index], sequences[index], task - first_task[index]));
        }
      });
}

}  // namespace nacelle::kernels
