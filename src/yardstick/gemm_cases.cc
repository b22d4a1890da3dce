// gemm_cases.cc: products of every weight format over a grid of shapes and those of two real
// models.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "kernels/gemm/gemm.h"
#include "tensor/buffer.h"
#include "yardstick/bars.h"
#include "yardstick/case.h"
#include "yardstick/limits.h"
#include "yardstick/random_values.h"
#include "yardstick/work.h"

namespace nacelle::yardstick {
namespace {

using kernels::PackedMatrix;
using kernels::WeightFormat;

// Packed weights are used in turn, so that a call finds none of its own in a cache.
constexpr std::size_t kSpreadBytes = std::size_t{256} << 20;

// A kind of product: one line here is one section of the report.
struct Kernel {
  const char* section;
  WeightFormat format;
  std::optional<PeerFormat> peer;
};

constexpr Kernel kKernels[] = {
    {"gemm bf16", WeightFormat::kBF16, PeerFormat::kBF16},
};

// Qwen3-0.6B and Llama-3.2-1B: q, k and v as one; o; gate and up as one; down; LM head.
constexpr MatrixShape kReal06B[] = {{1024, 4096}, {2048, 1024}, {1024, 6144}, {3072, 1024}};
constexpr MatrixShape kReal1B[] = {{2048, 3072}, {2048, 2048}, {2048, 16384}, {8192, 2048}};
constexpr MatrixShape kHeads[] = {{1024, 151936}, {2048, 128256}};
constexpr MatrixShape kGrid[] = {
    {1024, 1024}, {2048, 8192}, {4096, 4096}, {8192, 1024}, {8192, 8192}};
constexpr std::size_t kRows[] = {1, 32, 256, 512, 2048};
constexpr std::size_t kHeadRows[] = {1, 32};  // logits are asked of few rows
constexpr std::size_t kQuickRows[] = {1, 512};
// The shape whose dots carry names in the picture.
constexpr MatrixShape kLabelled = {1024, 6144};

struct Product {
  std::vector<PackedMatrix> packed;
  Buffer x;    // [most rows, k] bf16
  Buffer out;  // [most rows, n] f32
};

Result<PackedMatrix> pack(const Kernel&, const MatrixShape& shape, const Lab& lab,
                          std::uint32_t seed) {
  ASSIGN_OR_RETURN(const Buffer weight,
                   random_values(lab.pool, DType::kBF16, shape.n * shape.k, seed));
  const TensorView view(weight.data(), DType::kBF16, Shape{shape.n, shape.k});
  return PackedMatrix::pack(std::span(&view, 1), lab.isa, lab.pool);
}

Result<std::vector<Contest>> prepare(const Kernel& kernel, const MatrixShape& shape,
                                     std::span<const std::size_t> rows, Lab& lab) {
  auto product = std::make_shared<Product>();
  const std::size_t most = *std::max_element(rows.begin(), rows.end());
  const auto bytes = static_cast<std::size_t>(weight_bytes(kernel.format, shape.n, shape.k));
  const std::size_t copies = std::max<std::size_t>(1, kSpreadBytes / bytes);
  for (std::size_t i = 0; i < copies; ++i) {
    ASSIGN_OR_RETURN(PackedMatrix made,
                     pack(kernel, shape, lab, static_cast<std::uint32_t>(i + 1)));
    product->packed.push_back(std::move(made));
  }
  ASSIGN_OR_RETURN(product->x, random_values(lab.pool, DType::kBF16, most * shape.k, 77));
  ASSIGN_OR_RETURN(product->out, Buffer::allocate(most * shape.n * sizeof(float)));

  std::vector<Contest> contests;
  for (const std::size_t m : rows) {
    Contest contest;
    contest.ours = [product, shape, m, &pool = lab.pool, turn = std::size_t{0}]() mutable {
      gemm(pool, product->x.data(), shape.k, m, product->packed[turn], nullptr,
           product->out.as<float>().data(), shape.n);
      turn = (turn + 1) % product->packed.size();
    };
    if (kernel.peer && lab.onednn != nullptr) {
      contest.make_peer = [=, peer = *kernel.peer, onednn = lab.onednn] {
        return onednn->matmul(peer, m, shape.k, shape.n, copies);
      };
    }
    contests.push_back(std::move(contest));
  }
  return contests;
}

Group make_group(const Kernel& kernel, const MatrixShape& shape, std::span<const std::size_t> rows,
                 const Config& config) {
  Group group;
  group.name = fmt::format("{} {} x {}", kernel.section, shape.k, shape.n);
  for (const std::size_t m : rows) {
    const Work work = gemm_work(kernel.format, m, shape.k, shape.n);
    Row row;
    row.section = kernel.section;
    row.name = fmt::format("{} x {}", shape.k, shape.n);
    row.column = fmt::format("M={}", m);
    if (shape.k == kLabelled.k && shape.n == kLabelled.n) {
      row.label = row.column;
    }
    row.operations = work.operations;
    row.bytes = work.bytes;
    row.roof = roof_name(config.isa, kernel.format);
    row.bars = gemm_bars(config.isa, kernel.format, m, shape.k, shape.n);
    group.rows.push_back(std::move(row));
  }
  group.prepare = [kernel, shape, rows](Lab& lab) { return prepare(kernel, shape, rows, lab); };
  return group;
}

}  // namespace

std::vector<Group> gemm_groups(const Config& config) {
  const bool quick = config.effort == Effort::kQuick;
  std::vector<std::pair<MatrixShape, std::span<const std::size_t>>> work;
  std::span<const std::size_t> rows = kRows;
  if (quick) rows = kQuickRows;
  const auto add = [&](std::span<const MatrixShape> shapes, std::span<const std::size_t> m) {
    for (const MatrixShape& shape : shapes) work.emplace_back(shape, m);
  };
  if (!config.shapes.empty()) {
    add(config.shapes, rows);
  } else {
    add(kReal06B, rows);
    if (!quick) {
      add(kReal1B, rows);
      add(kHeads, kHeadRows);
      add(kGrid, rows);
    }
  }
  std::vector<Group> groups;
  for (const Kernel& kernel : kKernels) {
    for (const auto& [shape, m] : work) groups.push_back(make_group(kernel, shape, m, config));
  }
  return groups;
}

}  // namespace nacelle::yardstick
