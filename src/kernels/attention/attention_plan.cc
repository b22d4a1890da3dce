#include "kernels/attention/attention_plan.h"

#include <algorithm>
#include <tuple>

#include "base/check.h"

namespace nacelle::kernels {
namespace {

constexpr std::uint32_t kPart = kAttentionPart;
constexpr std::uint32_t kMostSharedQueries = 8;  // of a sequence: decodes, also speculative ones
constexpr std::size_t kTasksPerThread = 4;       // they even out unequal speed
// Cost counts (position, KV head) pairs times rows. Below 4 rows, reading K and V is what costs.
constexpr std::size_t kReadRows = 4;
constexpr std::size_t kMinTaskCost = 1 << 11;  // worth handing to a thread: some 10 us

template <class T>
T divide_up(T value, T by) {
  return (value + by - 1) / by;
}

std::uint32_t first_part_of(std::uint32_t position, std::uint32_t window) {
  return window != 0 && position + 1 > window ? (position + 1 - window) / kPart : 0;
}

std::uint32_t num_parts_of(std::uint32_t position) { return position / kPart + 1; }

}  // namespace

void AttentionPlan::make(const KvLayout& layout, std::span<const AttentionSequence> sequences,
                         std::uint32_t num_heads, std::uint32_t window, std::size_t num_threads) {
  CHECK(layout.validate().ok() && num_heads != 0 && num_heads % layout.num_kv_heads == 0);
  layout_ = layout;
  num_heads_ = num_heads;
  group_ = num_heads / layout.num_kv_heads;
  window_ = window;
  sequences_.assign(sequences.begin(), sequences.end());
  queries_.clear();
  first_query_.clear();
  tasks_.clear();
  merges_.clear();
  num_partials_ = 0;

  std::size_t total = 0;
  for (const AttentionSequence& sequence : sequences_) {
    add_queries(sequence);
    const std::uint32_t parts = divide_up(sequence.context_len, kPart);
    total += cost(sequence.num_queries, parts);
  }
  // One thread gains nothing from more tasks.
  task_cost_ =
      num_threads == 1 ? total : std::max(kMinTaskCost, total / (num_threads * kTasksPerThread));
  find_shared();
  add_shared();
  for (std::size_t i = 0; i < sequences_.size(); ++i) {
    add_sequence(sequences_[i], first_query_[i], shared_parts_[i]);
  }
  const std::size_t average = tasks_.empty() ? 1 : total / tasks_.size();
  tasks_per_turn_ = std::max<std::size_t>(1, kMinTaskCost / std::max<std::size_t>(1, average));

  const std::size_t padded_heads = divide_up<std::size_t>(num_heads, 16) * 16;
  partials_.padded_heads = padded_heads;
  partials_.partial_floats = 2 * padded_heads + num_heads * layout.padded_dim();
  const std::size_t bytes = num_partials_ * partials_.partial_floats * sizeof(float);
  if (partial_memory_.size() < bytes) {
    partial_memory_ = Buffer();
    Result<Buffer> larger = Buffer::allocate(bytes + bytes / 2);
    CHECK(larger.ok());  // small beside the K and V that it is made of
    partial_memory_ = std::move(larger).value();
  }
  partials_.data = reinterpret_cast<float*>(partial_memory_.data());
}

void AttentionPlan::add_queries(const AttentionSequence& sequence) {
  CHECK(sequence.num_queries <= sequence.context_len);
  CHECK(sequence.block_table.size() * layout_.block_size >= sequence.context_len);
  std::uint32_t most = 0;
  for (const std::uint32_t block : sequence.block_table) most = std::max(most, block);
  CHECK(most < layout_.num_blocks);
  first_query_.push_back(static_cast<std::uint32_t>(queries_.size()));
  const std::uint32_t first_position = sequence.context_len - sequence.num_queries;
  for (std::uint32_t i = 0; i < sequence.num_queries; ++i) {
    const std::uint32_t position = first_position + i;
    queries_.push_back({.row = sequence.first_row + i,
                        .position = position,
                        .first_part = first_part_of(position, window_)});
  }
}

// Shared parts are those that every query sees whole. With a window the sequences' views differ.
void AttentionPlan::find_shared() {
  candidates_.clear();
  shared_parts_.assign(sequences_.size(), 0);
  if (window_ == 0 && sequences_.size() > 1) {
    for (std::size_t i = 0; i < sequences_.size(); ++i) {
      const AttentionSequence& sequence = sequences_[i];
      if (sequence.num_queries == 0 || sequence.num_queries > kMostSharedQueries) continue;
      const std::uint32_t seen = sequence.context_len - sequence.num_queries + 1;
      candidates_.push_back({.sequence = static_cast<std::uint32_t>(i),
                             .num_parts = seen / kPart,
                             .blocks = sequence.block_table.data()});
    }
  }
  shared_.find(candidates_, kPart, layout_.block_size);
}

void AttentionPlan::add_shared() {
  for (const SharedParts& node : shared_.nodes()) {
    const auto members = shared_.members().subspan(node.first_member, node.num_members);
    for (const PrefixCandidate& member : members) {
      // A query of several nodes gets its partials with the first one.
      if (node.first_part == 0) {
        reserve_partials(first_query_[member.sequence], sequences_[member.sequence].num_queries);
      }
      shared_parts_[member.sequence] = node.last_part;
    }
    const auto first_query = static_cast<std::uint32_t>(queries_.size());
    for (const PrefixCandidate& member : members) {
      for (std::uint32_t i = 0; i < sequences_[member.sequence].num_queries; ++i) {
        const AttentionQuery query = queries_[first_query_[member.sequence] + i];
        queries_.push_back(query);
      }
    }
    const auto num_queries = static_cast<std::uint32_t>(queries_.size()) - first_query;
    const std::uint32_t tiles =
        divide_up(num_queries, std::max(1u, most_rows() / std::min(group_, most_rows())));
    const std::uint32_t per_tile = divide_up(num_queries, tiles);
    for (std::uint32_t done = 0; done < num_queries; done += per_tile) {
      add_rows({.block_table = members[0].blocks,
                .first_query = first_query + done,
                .num_queries = std::min(per_tile, num_queries - done),
                .first_part = node.first_part,
                .last_part = node.last_part,
                .partial = true});
    }
  }
}

// Tiles of queries come last first: they see most, so they should start early.
void AttentionPlan::add_sequence(const AttentionSequence& sequence, std::uint32_t first_query,
                                 std::uint32_t shared_parts) {
  if (sequence.num_queries == 0) return;
  const std::uint32_t per_tile = std::max(1u, most_rows() / std::min(group_, most_rows()));
  const std::uint32_t tiles = divide_up(sequence.num_queries, per_tile);
  const auto first_task = static_cast<std::ptrdiff_t>(tasks_.size());
  for (std::uint32_t tile = tiles; tile-- > 0;) {
    const std::uint32_t begin = first_query + tile * per_tile;
    const std::uint32_t end = first_query + std::min(sequence.num_queries, (tile + 1) * per_tile);
    add_rows({.block_table = sequence.block_table.data(),
              .first_query = begin,
              .num_queries = end - begin,
              .first_part = std::max(shared_parts, queries_[begin].first_part),
              .last_part = num_parts_of(queries_[end - 1].position),
              .partial = shared_parts != 0});
  }
  // One KV head after the other: its K and V stay in a near cache from tile to tile.
  if (tiles > 1) {
    std::sort(tasks_.begin() + first_task, tasks_.end(),
              [](const AttentionTask& a, const AttentionTask& b) {
                return std::tuple(a.kv_head, b.first_query, a.first_head, a.first_part) <
                       std::tuple(b.kv_head, a.first_query, b.first_head, b.first_part);
              });
  }
}

void AttentionPlan::add_rows(Rows rows) {
  if (rows.first_part >= rows.last_part) return;
  const std::uint32_t heads_per_task = std::min(group_, most_rows());
  const std::uint32_t head_parts = divide_up(group_, heads_per_task);
  const std::uint32_t head_rows = rows.num_queries * group_;
  // Few rows take several KV heads at once: they lie side by side in a block, so the task reads
  // long runs of memory.
  std::uint32_t kv_per_task = 1;
  if (head_parts == 1 && head_rows <= kAttentionFewRows) {
    kv_per_task = std::min(most_rows() / head_rows, layout_.num_kv_heads);
  }
  const std::uint32_t parts = rows.last_part - rows.first_part;
  const std::size_t whole_cost = cost(rows.num_queries, parts) * kv_per_task / layout_.num_kv_heads;
  auto pieces = static_cast<std::uint32_t>(
      std::min<std::size_t>(divide_up(whole_cost, std::max<std::size_t>(1, task_cost_)), 1u << 20));
  if (whole_cost <= task_cost_ + task_cost_ / 2) pieces = 1;
  const std::uint32_t parts_per_task = divide_up(parts, std::min(pieces, parts));
  const std::uint32_t part_pieces = divide_up(parts, parts_per_task);
  if (part_pieces < pieces) kv_per_task = divide_up(kv_per_task, divide_up(pieces, part_pieces));
  if (part_pieces > 1 && !rows.partial) {
    rows.partial = true;
    reserve_partials(rows.first_query, rows.num_queries);
  }
  for (std::uint32_t kv_head = 0; kv_head < layout_.num_kv_heads; kv_head += kv_per_task) {
    for (std::uint32_t part = 0; part < head_parts; ++part) {
      for (std::uint32_t first = rows.first_part; first < rows.last_part; first += parts_per_task) {
        const std::uint32_t first_head = part * heads_per_task;
        tasks_.push_back({.block_table = rows.block_table,
                          .first_query = rows.first_query,
                          .num_queries = rows.num_queries,
                          .kv_head = kv_head,
                          .num_kv_heads = std::min(kv_per_task, layout_.num_kv_heads - kv_head),
                          .first_head = kv_head * group_ + first_head,
                          .num_heads = std::min(heads_per_task, group_ - first_head),
                          .first_part = first,
                          .last_part = std::min(first + parts_per_task, rows.last_part),
                          .partial = rows.partial});
      }
    }
  }
}

void AttentionPlan::reserve_partials(std::uint32_t first_query, std::uint32_t num_queries) {
  for (std::uint32_t i = first_query; i < first_query + num_queries; ++i) {
    AttentionQuery& query = queries_[i];
    query.partial = num_partials_;
    num_partials_ += num_parts_of(query.position) - query.first_part;
    merges_.push_back(i);
  }
}

std::size_t AttentionPlan::cost(std::size_t num_queries, std::size_t num_parts) const {
  return std::max(kReadRows, num_queries * group_) * num_parts * kPart * layout_.num_kv_heads;
}

std::uint32_t AttentionPlan::most_rows() const {
  return static_cast<std::uint32_t>(
      std::min(kAttentionMaxRows, kAttentionMaxValues / layout_.padded_dim()));
}

}  // namespace nacelle::kernels
