// Products whose plan uses everything at once: several blocks of rows, several chunks of panels in
// a task, several parts of k, and pairs of panels that end chunk by chunk. Each row's bits are
// those of the row alone, whose plan has none of this (and which gemm_test.cc and quantized_test.cc
// compare with exact sums).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/panels.h"
#include "kernels/gemm/plan.h"
#include "kernels/gemm/quantized_test_data.h"

namespace nacelle::kernels {
namespace {

constexpr std::size_t kK = 1664;  // thirteen groups of 128; parts of unequal size
constexpr std::size_t kN = 1310;  // the last panel is not full
constexpr std::size_t kRows[] = {129, 300, 600};
constexpr std::size_t kMostRows = 600;
constexpr WeightFormat kFormats[] = {WeightFormat::kBF16, WeightFormat::kInt8, WeightFormat::kInt4};

std::vector<Isa> sets() {
  std::vector<Isa> out;
  for (const Isa isa : supported_isas()) {
    if (isa > Isa::kPortable) out.push_back(isa);
  }
  return out;
}

// First, last and some between, at the edges of tiles and blocks or not.
std::vector<std::size_t> sample(std::size_t m) {
  std::vector<std::size_t> rows = {0, 1, 13, 14, 31, 32, 63, 64, 128};
  for (std::size_t row = 129 + m % 7; row < m; row += 37) rows.push_back(row);
  rows.push_back(m - 1);
  return rows;
}

// The weights of one format: two parts of the same size for the fused product, else one.
class Weights {
 public:
  Weights(WeightFormat format, std::size_t parts, std::mt19937& random) : format_(format) {
    const std::size_t n = kN / parts;
    for (std::size_t part = 0; part < parts; ++part) {
      if (format == WeightFormat::kInt8) {
        int8_.push_back(random_int8(n, kK, random));
      } else if (format == WeightFormat::kInt4) {
        int4_.push_back(random_int4(n, kK, 128, true, random));
      } else {
        dense_.push_back(random_rows(n, kK, DType::kBF16, random));
      }
    }
  }

  [[nodiscard]] PackedMatrix pack(Isa isa, WorkerPool& pool) const {
    const auto stacking = std::max({int8_.size(), int4_.size(), dense_.size()}) == 2
                              ? Stacking::kAlternatingPanels
                              : Stacking::kOneAfterTheOther;
    if (format_ == WeightFormat::kInt8) {
      std::vector<Int8Weight> views;
      for (const OwnedInt8Weight& part : int8_) views.push_back(part.view());
      return PackedMatrix::pack(views, DType::kBF16, isa, pool, stacking).value();
    }
    if (format_ == WeightFormat::kInt4) {
      std::vector<Int4Weight> views;
      for (const OwnedInt4Weight& part : int4_) views.push_back(part.view());
      return PackedMatrix::pack(views, DType::kBF16, isa, pool, stacking).value();
    }
    std::vector<TensorView> views;
    for (const Rows& part : dense_) {
      views.emplace_back(part.stored.data(), DType::kBF16, Shape{part.m, kK});
    }
    return PackedMatrix::pack(views, isa, pool, stacking).value();
  }

 private:
  WeightFormat format_;
  std::vector<OwnedInt8Weight> int8_;
  std::vector<OwnedInt4Weight> int4_;
  std::vector<Rows> dense_;
};

// Whether one thread's plan for m rows is what this file is about.
void expect_large(const PackedMatrix& packed, std::size_t m, bool fused) {
  const PanelLayout layout = layout_of(packed.description()).value();
  const Plan plan = make_plan(layout, m, 1, fused);
  EXPECT_GT(plan.num_blocks, 1u);
  EXPECT_GT(plan.panels_per_task, plan.panels_per_chunk) << "chunks";
  EXPECT_GT(plan.num_steps, plan.steps_per_part) << "parts";
  const Plan alone = make_plan(layout, 1, 1, fused);
  EXPECT_EQ(alone.num_blocks, 1u);
}

TEST(LargeProduct, ARowHasTheBitsOfTheRowAlone) {
  std::mt19937 random(31);
  WorkerPool one(1), two(2);
  const Rows x = random_rows(kMostRows, kK, DType::kBF16, random);
  const std::vector<float> bias = random_floats(kN, random);
  for (const WeightFormat format : kFormats) {
    const Weights weights(format, 1, random);
    for (const Isa isa : sets()) {
      const PackedMatrix packed = weights.pack(isa, two);
      std::vector<std::vector<float>> alone(kMostRows);
      SCOPED_TRACE(fmt::format("{} {}", to_string(isa), to_string(format)));
      expect_large(packed, kMostRows, false);
      for (const std::size_t m : kRows) {
        for (WorkerPool* pool : {&one, &two}) {
          std::vector<float> out(m * kN, -77.0F);
          gemm(*pool, x.at(0), kK, m, packed, bias.data(), out.data(), kN);
          for (const std::size_t row : sample(m)) {
            if (alone[row].empty()) {
              alone[row].resize(kN);
              gemm(one, x.at(row), kK, 1, packed, bias.data(), alone[row].data(), kN);
            }
            ASSERT_EQ(std::memcmp(&out[row * kN], alone[row].data(), kN * sizeof(float)), 0)
                << "row " << row << " of " << m << ", " << pool->num_threads() << " threads";
          }
        }
      }
    }
  }
}

TEST(LargeProduct, AFusedRowHasTheBitsOfTheRowAlone) {
  constexpr std::size_t kOut = kN / 2;
  std::mt19937 random(32);
  WorkerPool one(1), two(2);
  const Rows x = random_rows(kMostRows, kK, DType::kBF16, random);
  const std::vector<float> bias = random_floats(kN, random);
  for (const WeightFormat format : kFormats) {
    const Weights weights(format, 2, random);
    for (const Isa isa : sets()) {
      const PackedMatrix packed = weights.pack(isa, two);
      std::vector<std::vector<std::uint16_t>> alone(kMostRows);
      SCOPED_TRACE(fmt::format("{} {}", to_string(isa), to_string(format)));
      expect_large(packed, kMostRows, true);
      for (const std::size_t m : kRows) {
        for (WorkerPool* pool : {&one, &two}) {
          std::vector<std::uint16_t> out(m * kOut, 0x7777);
          gemm_silu_mul(*pool, x.at(0), kK, m, packed, bias.data(),
                        {out.data(), DType::kBF16, kOut});
          for (const std::size_t row : sample(m)) {
            if (alone[row].empty()) {
              alone[row].resize(kOut);
              gemm_silu_mul(one, x.at(row), kK, 1, packed, bias.data(),
                            {alone[row].data(), DType::kBF16, kOut});
            }
            ASSERT_EQ(std::memcmp(&out[row * kOut], alone[row].data(), kOut * 2), 0)
                << "row " << row << " of " << m << ", " << pool->num_threads() << " threads";
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace nacelle::kernels
