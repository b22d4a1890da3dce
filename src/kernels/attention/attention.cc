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
#if defined(__x86_64__)
  switch (isa) {
    case Isa::kReference:
      return nullptr;
    case Isa::kAvx2:
      return attention_avx2;
    case Isa::kAvx512:
      return attention_avx512;
    case Isa::kAvx512Bf16:
      return attention_avx512bf16;
  }
#endif
  (void)isa;
  return nullptr;
}

// How each sequence's (query, head) pairs are cut into tasks: num_kv_heads x head_parts x
// query_tiles of them.
struct Cut {
  std::size_t group;           // query heads per KV head
  std::size_t heads_per_task;  // at most group
  std::size_t head_parts;      // parts that a group is cut into
  std::size_t queries_per_task;
};

Cut make_cut(const KvLayout& layout, std::size_t num_heads) {
  const std::size_t most_rows =
      std::min(kAttentionMaxRows, kAttentionMaxValues / layout.padded_dim());
  Cut cut{};
  cut.group = num_heads / layout.num_kv_heads;
  cut.heads_per_task = std::min(cut.group, most_rows);
  cut.head_parts = (cut.group + cut.heads_per_task - 1) / cut.heads_per_task;
  cut.queries_per_task = std::max<std::size_t>(1, most_rows / cut.heads_per_task);
  return cut;
}

std::size_t query_tiles(const Cut& cut, const AttentionSequence& sequence) {
  return (sequence.num_queries + cut.queries_per_task - 1) / cut.queries_per_task;
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
    const std::size_t tiles = query_tiles(cut, sequence);
    const std::size_t first_query = (tiles - 1 - index % tiles) * cut.queries_per_task;
    const std::size_t part = index / tiles % cut.head_parts;
    const auto kv_head = static_cast<std::uint32_t>(index / tiles / cut.head_parts);
    const std::size_t first_head = kv_head * cut.group + part * cut.heads_per_task;
    const std::size_t row = sequence.first_row + first_query;

    AttentionJob job;
    job.q = q + row * q_row_stride + first_head * layout.head_dim;
    job.q_row_stride = q_row_stride;
    job.num_queries = std::min(cut.queries_per_task, sequence.num_queries - first_query);
    job.num_heads = std::min(cut.heads_per_task, (kv_head + 1) * cut.group - first_head);
    job.head_dim = layout.head_dim;
    job.padded_dim = layout.padded_dim();
    job.first_position = sequence.context_len - sequence.num_queries + first_query;
    job.window = options.sliding_window;
    job.scale = options.scale;
    job.k = layer_memory + layout.k_offset(0, kv_head);
    job.v = layer_memory + layout.v_offset(0, kv_head);
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
  const Cut cut = make_cut(layout, num_heads);
  std::vector<std::size_t> first_task(sequences.size() + 1, 0);
  std::size_t work = 0;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const std::size_t tasks = layout.num_kv_heads * cut.head_parts * query_tiles(cut, sequences[i]);
    first_task[i + 1] = first_task[i] + tasks;
    work += std::size_t{sequences[i].num_queries} * sequences[i].context_len;
  }
  const std::size_t num_tasks = first_task.back();
  if (num_tasks == 0) return;
  const std::size_t task_work = work * num_heads * layout.head_dim * 2 / num_tasks;
  context.pool.run_ranges(num_tasks, kMinRangeWork / std::max<std::size_t>(1, task_work) + 1,
                          [&](std::size_t begin, std::size_t end) {
                            const auto after =
                                std::upper_bound(first_task.begin(), first_task.end(), begin);
                            auto index = static_cast<std::size_t>(after - first_task.begin()) - 1;
                            for (std::size_t task = begin; task < end; ++task) {
                              while (task >= first_task[index + 1]) ++index;
                              run(batch.make_job(cut, sequences[index], task - first_task[index]));
                            }
                          });
}

}  // namespace nacelle::kernels
