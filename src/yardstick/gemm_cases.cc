// gemm_cases.cc: products of every weight format over a grid of shapes and those of two real
// models.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
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

// Packed weights are used in turn, so that a call finds none of its own in a cache. Where many rows
// share a reading of the weights, two are enough.
constexpr std::size_t kSpreadBytes = std::size_t{256} << 20;
constexpr std::size_t kManyRows = 256;

// A kind of product: one line here is one section of the report.
enum class Op { kGemm, kSiluMul };
struct Kernel {
  const char* section;
  WeightFormat format;
  Op op;
  std::optional<PeerFormat> peer;
  bool quick;
};

constexpr Kernel kKernels[] = {
    {"gemm bf16", WeightFormat::kBF16, Op::kGemm, PeerFormat::kBF16, true},
    {"gemm int8", WeightFormat::kInt8, Op::kGemm, PeerFormat::kInt8, true},
    {"gemm int4", WeightFormat::kInt4, Op::kGemm, std::nullopt, true},
    {"gate+up bf16", WeightFormat::kBF16, Op::kSiluMul, std::nullopt, false},
    {"gate+up int8", WeightFormat::kInt8, Op::kSiluMul, std::nullopt, false},
    {"gate+up int4", WeightFormat::kInt4, Op::kSiluMul, std::nullopt, false},
};

// Qwen3-0.6B and Llama-3.2-1B: q, k and v as one; o; gate and up as one; down; LM head.
constexpr MatrixShape kReal06B[] = {{1024, 4096}, {2048, 1024}, {1024, 6144}, {3072, 1024}};
constexpr MatrixShape kReal1B[] = {{2048, 3072}, {2048, 2048}, {2048, 16384}, {8192, 2048}};
constexpr MatrixShape kHeads[] = {{1024, 151936}, {2048, 128256}};
constexpr MatrixShape kGrid[] = {
    {1024, 1024}, {2048, 8192}, {4096, 4096}, {8192, 1024}, {8192, 8192}};
constexpr MatrixShape kGateUp[] = {{1024, 6144}, {2048, 16384}};  // of the two models
constexpr std::size_t kRows[] = {1, 32, 256, 512, 2048};
constexpr std::size_t kHeadRows[] = {1, 32};  // logits are asked of few rows
constexpr MatrixShape kQuick[] = {{1024, 6144}, {3072, 1024}};
constexpr std::size_t kQuickRows[] = {1, 512};
// The shape whose dots carry names in the picture.
constexpr MatrixShape kLabelled = {1024, 6144};

struct Product {
  std::vector<PackedMatrix> packed;
  Buffer x;    // [most rows, k] bf16
  Buffer out;  // [most rows, n] f32
};

Result<PackedMatrix> pack(const Kernel& kernel, const MatrixShape& shape, const Lab& lab) {
  const std::size_t num_parts = kernel.op == Op::kSiluMul ? 2 : 1;
  const std::size_t n = shape.n / num_parts;
  const auto stacking = kernel.op == Op::kSiluMul ? kernels::Stacking::kAlternatingPanels
                                                  : kernels::Stacking::kOneAfterTheOther;
  ASSIGN_OR_RETURN(const Buffer weight, random_values(lab.pool, DType::kBF16, n * shape.k, 1));
  const TensorView view(weight.data(), DType::kBF16, Shape{n, shape.k});
  if (kernel.format == WeightFormat::kInt8) {
    ASSIGN_OR_RETURN(const auto owned, kernels::quantize_int8(view, lab.pool));
    const std::vector<kernels::Int8Weight> parts(num_parts, owned.view());
    return PackedMatrix::pack(parts, DType::kBF16, lab.isa, lab.pool, stacking);
  }
  if (kernel.format == WeightFormat::kInt4) {
    ASSIGN_OR_RETURN(const auto owned, kernels::quantize_int4(view, kInt4Group, lab.pool));
    const std::vector<kernels::Int4Weight> parts(num_parts, owned.view());
    return PackedMatrix::pack(parts, DType::kBF16, lab.isa, lab.pool, stacking);
  }
  const std::vector<TensorView> parts(num_parts, view);
  return PackedMatrix::pack(parts, lab.isa, lab.pool, stacking);
}

// The same weight again in memory of its own.
Result<PackedMatrix> copy(const PackedMatrix& matrix) {
  ASSIGN_OR_RETURN(Buffer bytes, Buffer::allocate(matrix.size_bytes()));
  std::memcpy(bytes.data(), matrix.data(), matrix.size_bytes());
  auto owner = std::make_shared<Buffer>(std::move(bytes));
  const std::span<const std::byte> view = owner->bytes();
  return PackedMatrix::adopt(matrix.description(), view, std::move(owner));
}

std::size_t copies_for(std::size_t m, std::size_t all) {
  return m >= kManyRows ? std::min<std::size_t>(2, all) : all;
}

Call make_call(const Kernel& kernel, const MatrixShape& shape, std::size_t m, Lab& lab,
               const std::shared_ptr<Product>& product) {
  const std::size_t copies = copies_for(m, product->packed.size());
  return [=, op = kernel.op, &pool = lab.pool, turn = std::size_t{0}]() mutable {
    const PackedMatrix& weights = product->packed[turn];
    turn = (turn + 1) % copies;
    if (op == Op::kSiluMul) {
      gemm_silu_mul(pool, product->x.data(), shape.k, m, weights, nullptr,
                    {product->out.data(), DType::kBF16, shape.n / 2});
    } else {
      gemm(pool, product->x.data(), shape.k, m, weights, nullptr, product->out.as<float>().data(),
           shape.n);
    }
  };
}

Result<std::vector<Contest>> prepare(const Kernel& kernel, const MatrixShape& shape,
                                     std::span<const std::size_t> rows, Lab& lab) {
  auto product = std::make_shared<Product>();
  const std::size_t most = *std::max_element(rows.begin(), rows.end());
  const auto bytes = static_cast<std::size_t>(weight_bytes(kernel.format, shape.n, shape.k));
  const std::size_t copies = std::max<std::size_t>(1, kSpreadBytes / bytes);
  ASSIGN_OR_RETURN(PackedMatrix first, pack(kernel, shape, lab));
  product->packed.push_back(std::move(first));
  while (product->packed.size() < copies) {
    ASSIGN_OR_RETURN(PackedMatrix next, copy(product->packed.front()));
    product->packed.push_back(std::move(next));
  }
  ASSIGN_OR_RETURN(product->x, random_values(lab.pool, DType::kBF16, most * shape.k, 77));
  ASSIGN_OR_RETURN(product->out, Buffer::allocate(most * shape.n * sizeof(float)));

  std::vector<Contest> contests;
  for (const std::size_t m : rows) {
    Contest contest;
    contest.ours = make_call(kernel, shape, m, lab, product);
    if (kernel.peer && lab.onednn != nullptr) {
      contest.make_peer = [=, peer = *kernel.peer, onednn = lab.onednn] {
        return onednn->matmul(peer, m, shape.k, shape.n, copies_for(m, copies));
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
    const Work work = kernel.op == Op::kSiluMul
                          ? gemm_silu_mul_work(kernel.format, m, shape.k, shape.n)
                          : gemm_work(kernel.format, m, shape.k, shape.n);
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
    if (kernel.op == Op::kGemm)
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
    if (quick) {
      add(kQuick, rows);
    } else {
      add(kReal06B, rows);
      add(kReal1B, rows);
      add(kHeads, kHeadRows);
      add(kGrid, rows);
    }
  }
  std::vector<Group> groups;
  for (const Kernel& kernel : kKernels) {
    if (quick && !kernel.quick) continue;
    if (kernel.op == Op::kSiluMul && !config.shapes.empty()) continue;
    if (kernel.op == Op::kSiluMul) {
      for (const MatrixShape& shape : kGateUp) {
        groups.push_back(make_group(kernel, shape, rows, config));
      }
      continue;
    }
    for (const auto& [shape, m] : work) groups.push_back(make_group(kernel, shape, m, config));
  }
  return groups;
}

}  // namespace nacelle::yardstick
