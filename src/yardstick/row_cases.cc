// row_cases.cc: what lies between the products: norms, rotation, gate, embedding, storing K and V.
//
// Their inputs are spread like weights, so that their limit is reading memory. In a model their
// rows were just written by the product before and lie in a cache: there they take less than here.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <numeric>
#include <utility>

#include "kernels/activation/activation.h"
#include "kernels/attention/attention.h"
#include "kernels/embedding/embedding.h"
#include "kernels/rms_norm/rms_norm.h"
#include "kernels/rope/rope.h"
#include "yardstick/case.h"
#include "yardstick/limits.h"
#include "yardstick/random_values.h"
#include "yardstick/work.h"

namespace nacelle::yardstick {
namespace {

using kernels::Context;

constexpr std::size_t kRows = 512;
constexpr std::size_t kSpreadBytes = std::size_t{256} << 20;
constexpr std::uint32_t kBlock = 16;

struct Shape {
  const char* name;
  std::size_t hidden;
  std::size_t inner;
  AttentionShape attention;
  std::size_t vocab;
};

constexpr Shape kShapes[] = {
    {"0.6B", 1024, 3072, {16, 8, 128}, 151936},
    {"1B", 2048, 8192, {32, 8, 64}, 128256},
};

// f32 rows in memory, in as many copies as make kSpreadBytes.
class Spread {
 public:
  static Result<Spread> make(kernels::WorkerPool& pool, std::size_t width, std::uint32_t seed) {
    Spread made;
    made.size_ = kRows * width;
    made.copies_ = std::max<std::size_t>(1, kSpreadBytes / (made.size_ * sizeof(float)));
    ASSIGN_OR_RETURN(made.values_,
                     random_values(pool, DType::kF32, made.size_ * made.copies_, seed));
    return made;
  }
  [[nodiscard]] float* next() {
    turn_ = (turn_ + 1) % copies_;
    return values_.as<float>().data() + turn_ * size_;
  }

 private:
  Buffer values_;
  std::size_t size_ = 0;
  std::size_t copies_ = 1;
  std::size_t turn_ = 0;
};

// What every op here writes to: a buffer that stays in the caches, as the next product's input
// does.
Result<Buffer> make_out(std::size_t width) {
  return Buffer::allocate(kRows * width * size_of(DType::kBF16));
}

Result<Call> embedding(const Shape& shape, Lab& lab) {
  struct State {
    Buffer table, out;
    std::vector<TokenId> ids;
    std::uint32_t turn = 0;
  };
  auto s = std::make_shared<State>();
  ASSIGN_OR_RETURN(s->table, random_values(lab.pool, DType::kBF16, shape.vocab * shape.hidden, 1));
  ASSIGN_OR_RETURN(s->out, Buffer::allocate(kRows * shape.hidden * sizeof(float)));
  s->ids.resize(kRows);
  return Call([=, context = Context{lab.pool, lab.isa}] {
    for (TokenId& id : s->ids) {
      s->turn = s->turn * 1664525u + 1013904223u;
      id = static_cast<TokenId>(s->turn % shape.vocab);
    }
    const TensorView table(s->table.data(), DType::kBF16, {shape.vocab, shape.hidden});
    gather_embeddings(context, table, s->ids, s->out.as<float>().data());
  });
}

Result<Call> add_norm(const Shape& shape, Lab& lab) {
  struct State {
    Spread residual, delta;
    Buffer weight, out;
  };
  auto s = std::make_shared<State>();
  ASSIGN_OR_RETURN(s->residual, Spread::make(lab.pool, shape.hidden, 1));
  ASSIGN_OR_RETURN(s->delta, Spread::make(lab.pool, shape.hidden, 2));
  ASSIGN_OR_RETURN(s->weight, random_values(lab.pool, DType::kF32, shape.hidden, 3));
  ASSIGN_OR_RETURN(s->out, make_out(shape.hidden));
  return Call([=, context = Context{lab.pool, lab.isa}] {
    add_rms_norm(context, s->residual.next(), s->delta.next(), kRows, shape.hidden,
                 s->weight.as<float>().data(), 1e-6F, {s->out.data(), DType::kBF16, shape.hidden});
  });
}

// q and k of every row, side by side.
kernels::HeadRows heads_of(const Shape& shape, float* data) {
  const std::size_t heads = shape.attention.heads + shape.attention.kv_heads;
  return {data, kRows, heads, shape.attention.head_dim, heads * shape.attention.head_dim};
}

std::size_t heads_width(const Shape& shape) { return heads_of(shape, nullptr).row_stride; }

Result<Call> head_norm(const Shape& shape, Lab& lab) {
  struct State {
    Spread heads;
    Buffer weight;
  };
  auto s = std::make_shared<State>();
  ASSIGN_OR_RETURN(s->heads, Spread::make(lab.pool, heads_width(shape), 1));
  ASSIGN_OR_RETURN(s->weight, random_values(lab.pool, DType::kF32, shape.attention.head_dim, 2));
  return Call([=, context = Context{lab.pool, lab.isa}] {
    rms_norm_heads(context, heads_of(shape, s->heads.next()), s->weight.as<float>().data(), 1e-6F);
  });
}

Result<Call> rotation(const Shape& shape, Lab& lab) {
  struct State {
    Spread heads;
    Buffer cos, sin;
    std::vector<std::uint32_t> positions;
  };
  auto s = std::make_shared<State>();
  const std::size_t half = shape.attention.head_dim / 2;
  ASSIGN_OR_RETURN(s->heads, Spread::make(lab.pool, heads_width(shape), 1));
  ASSIGN_OR_RETURN(s->cos, random_values(lab.pool, DType::kF32, kRows * half, 2));
  ASSIGN_OR_RETURN(s->sin, random_values(lab.pool, DType::kF32, kRows * half, 3));
  s->positions.resize(kRows);
  std::iota(s->positions.begin(), s->positions.end(), 0u);
  return Call([=, context = Context{lab.pool, lab.isa}] {
    rope(context, heads_of(shape, s->heads.next()), s->positions,
         {s->cos.as<float>().data(), s->sin.as<float>().data(), kRows, half});
  });
}

Result<Call> storing(const Shape& shape, Lab& lab) {
  struct State {
    Spread k, v;
    kernels::KvLayout layout;
    Buffer memory;
    std::vector<std::uint32_t> table;
    std::size_t turn = 0;
  };
  auto s = std::make_shared<State>();
  const std::size_t width = std::size_t{shape.attention.kv_heads} * shape.attention.head_dim;
  ASSIGN_OR_RETURN(s->k, Spread::make(lab.pool, width, 1));
  ASSIGN_OR_RETURN(s->v, Spread::make(lab.pool, width, 2));
  s->layout = {.num_blocks = 1,
               .block_size = kBlock,
               .num_kv_heads = shape.attention.kv_heads,
               .head_dim = shape.attention.head_dim,
               .dtype = DType::kBF16};
  constexpr std::size_t kBlocks = kRows / kBlock;
  const std::size_t turns = kSpreadBytes / (s->layout.bytes_per_block() * kBlocks);
  s->layout.num_blocks = static_cast<std::uint32_t>(turns * kBlocks);
  ASSIGN_OR_RETURN(s->memory, Buffer::allocate(s->layout.bytes()));
  std::memset(s->memory.data(), 0, s->layout.bytes());  // the kernel clears pages at first touch
  s->table.resize(s->layout.num_blocks);
  std::iota(s->table.begin(), s->table.end(), 0u);
  return Call([=, context = Context{lab.pool, lab.isa}] {
    s->turn = (s->turn + 1) % turns;
    const auto blocks = std::span(s->table).subspan(s->turn * kBlocks, kBlocks);
    const kernels::AttentionSequence chunk{0, kRows, kRows, blocks};
    store_kv(context, s->layout, s->memory.data(), {&chunk, 1}, s->k.next(), width, s->v.next(),
             width);
  });
}

Result<Call> gate(const Shape& shape, Lab& lab) {
  struct State {
    Spread gate_up;
    Buffer out;
  };
  auto s = std::make_shared<State>();
  ASSIGN_OR_RETURN(s->gate_up, Spread::make(lab.pool, 2 * shape.inner, 1));
  ASSIGN_OR_RETURN(s->out, make_out(shape.inner));
  return Call([=, context = Context{lab.pool, lab.isa}] {
    silu_mul(context, s->gate_up.next(), kRows, shape.inner,
             {s->out.data(), DType::kBF16, shape.inner});
  });
}

// One line is one row of each section; values are those that the op yields. What is changed in
// place counts once: it is fetched once.
struct Op {
  const char* name;
  Work (*work)(const Shape& shape);
  Result<Call> (*make)(const Shape& shape, Lab& lab);
};

Work embedding_work(const Shape& s) { return row_work(kRows * s.hidden, {1, 2 + 4}); }
Work add_norm_work(const Shape& s) { return row_work(kRows * s.hidden, {5, 4 + 4 + 2}); }
Work head_norm_work(const Shape& s) { return row_work(kRows * heads_width(s), {4, 4}); }
Work rotation_work(const Shape& s) { return row_work(kRows * heads_width(s), {3, 4}); }
Work gate_work(const Shape& s) { return row_work(kRows * s.inner, {5, 2 * 4 + 2}); }
Work storing_work(const Shape& s) {
  return row_work(kRows * 2 * s.attention.kv_heads * s.attention.head_dim, {1, 4 + 2});
}

constexpr Op kOps[] = {
    {"embedding rows", embedding_work, embedding},    {"add + RMS norm", add_norm_work, add_norm},
    {"RMS norm of heads", head_norm_work, head_norm}, {"rope", rotation_work, rotation},
    {"store K and V", storing_work, storing},         {"silu mul", gate_work, gate},
};

Group make_group(const Shape& shape, const Config& config) {
  Group group;
  group.name = fmt::format("rows {}", shape.name);
  for (const Op& op : kOps) {
    const Work work = op.work(shape);
    Row row;
    row.section = "512 rows, not in a cache";
    row.name = fmt::format("{}, {}", shape.name, op.name);
    row.operations = work.operations;
    row.bytes = work.bytes;
    row.roof = roof_name(config.isa, kernels::WeightFormat::kF32);
    group.rows.push_back(std::move(row));
  }
  group.prepare = [shape](Lab& lab) -> Result<std::vector<Contest>> {
    std::vector<Contest> contests;
    for (const Op& op : kOps) {
      ASSIGN_OR_RETURN(Call call, op.make(shape, lab));
      contests.push_back({std::move(call), nullptr});
    }
    return contests;
  };
  return group;
}

}  // namespace

std::vector<Group> row_groups(const Config& config) {
  std::vector<Group> groups;
  for (const Shape& shape : kShapes) {
    groups.push_back(make_group(shape, config));
    if (config.effort == Effort::kQuick) break;
  }
  return groups;
}

}  // namespace nacelle::yardstick
