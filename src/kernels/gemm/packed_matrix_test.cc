// Alternating panels, the fused product, and adopted memory, for every format of weights.
#include <gtest/gtest.h>

#include <cstring>

#include "kernels/activation/activation.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/quantized_test_data.h"

namespace nacelle::kernels {
namespace {

constexpr std::size_t kK = 256;

// Gate and up of `width` columns in every format, for bf16 activations.
struct GateUp {
  Rows gate, up;
  OwnedInt8Weight gate8, up8;
  OwnedInt4Weight gate4, up4;

  GateUp(std::size_t width, std::mt19937& random)
      : gate(random_rows(width, kK, DType::kBF16, random)),
        up(random_rows(width, kK, DType::kBF16, random)),
        gate8(random_int8(width, kK, random)),
        up8(random_int8(width, kK, random)),
        gate4(random_int4(width, kK, 64, true, random)),
        up4(random_int4(width, kK, 64, true, random)) {}

  std::vector<PackedMatrix> pack(Isa isa, WorkerPool& pool, Stacking stacking) const {
    const TensorView dense[] = {TensorView(gate.stored.data(), DType::kBF16, Shape{gate.m, gate.k}),
                                TensorView(up.stored.data(), DType::kBF16, Shape{up.m, up.k})};
    const Int8Weight int8[] = {gate8.view(), up8.view()};
    const Int4Weight int4[] = {gate4.view(), up4.view()};
    std::vector<PackedMatrix> packed;
    packed.push_back(PackedMatrix::pack(dense, isa, pool, stacking).value());
    packed.push_back(PackedMatrix::pack(int8, DType::kBF16, isa, pool, stacking).value());
    packed.push_back(PackedMatrix::pack(int4, DType::kBF16, isa, pool, stacking).value());
    return packed;
  }
};

TEST(GemmAlternatingPanels, GiveTheBitsOfPartsSideBySide) {
  std::mt19937 random(1);
  WorkerPool pool(2);
  for (const std::size_t width : {1, 32, 45, 130}) {
    const GateUp weights(width, random);
    const std::vector<float> bias = random_floats(2 * width, random);
    const Rows x = random_rows(33, kK, DType::kBF16, random);
    for (const Isa isa : supported_isas()) {
      const auto side = weights.pack(isa, pool, Stacking::kOneAfterTheOther);
      const auto alternating = weights.pack(isa, pool, Stacking::kAlternatingPanels);
      for (std::size_t i = 0; i < side.size(); ++i) {
        ASSERT_EQ(alternating[i].n(), 2 * width);
        for (const std::size_t m : {1, 3, 33}) {
          SCOPED_TRACE(fmt::format("{} {} width {} m {}", to_string(isa),
                                   to_string(side[i].format()), width, m));
          const std::size_t stride = 2 * width + 1;
          std::vector<float> a(m * stride, -7.0F);
          std::vector<float> b = a;
          gemm(pool, x.at(0), kK, m, side[i], bias.data(), a.data(), stride);
          gemm(pool, x.at(0), kK, m, alternating[i], bias.data(), b.data(), stride);
          ASSERT_EQ(std::memcmp(a.data(), b.data(), a.size() * 4), 0);
        }
      }
    }
  }
}

TEST(GemmSiluMul, GivesTheBitsOfTheProductAndTheActivation) {
  std::mt19937 random(2);
  WorkerPool pool(2);
  for (const std::size_t width : {1, 45, 130, 256}) {
    const GateUp weights(width, random);
    const std::vector<float> all_biases = random_floats(2 * width, random);
    const Rows x = random_rows(61, kK, DType::kBF16, random);
    for (const Isa isa : supported_isas()) {
      const auto side = weights.pack(isa, pool, Stacking::kOneAfterTheOther);
      const auto alternating = weights.pack(isa, pool, Stacking::kAlternatingPanels);
      for (std::size_t i = 0; i < side.size(); ++i) {
        for (const std::size_t m : {1, 2, 14, 61}) {
          for (const float* bias : {all_biases.data(), static_cast<const float*>(nullptr)}) {
            SCOPED_TRACE(fmt::format("{} {} width {} m {}", to_string(isa),
                                     to_string(side[i].format()), width, m));
            std::vector<float> gate_up(m * 2 * width);
            gemm(pool, x.at(0), kK, m, side[i], bias, gate_up.data(), 2 * width);
            const DType dtype = m == 14 ? DType::kF32 : DType::kBF16;
            const std::size_t stride = width + 3;
            std::vector<float> expected(m * stride, -7.0F);
            std::vector<float> out = expected;
            silu_mul({pool, isa}, gate_up.data(), m, width, {expected.data(), dtype, stride});
            gemm_silu_mul(pool, x.at(0), kK, m, alternating[i], bias, {out.data(), dtype, stride});
            ASSERT_EQ(std::memcmp(out.data(), expected.data(), out.size() * 4), 0);
          }
        }
      }
    }
  }
}

TEST(GemmAdopt, BytesOfAnotherMatrixGiveItsResults) {
  std::mt19937 random(3);
  WorkerPool pool(1);
  const GateUp weights(45, random);
  const Rows x = random_rows(5, kK, DType::kBF16, random);
  for (const Isa isa : supported_isas()) {
    for (const PackedMatrix& packed : weights.pack(isa, pool, Stacking::kAlternatingPanels)) {
      auto memory = std::make_shared<Buffer>(Buffer::allocate(packed.size_bytes() + 64).value());
      std::memcpy(memory->data(), packed.data(), packed.size_bytes());
      const std::span<const std::byte> bytes = memory->bytes().first(packed.size_bytes());
      const auto adopt = [&](PackedMatrix::Description d, std::span<const std::byte> from) {
        return PackedMatrix::adopt(d, from, memory);
      };
      const PackedMatrix adopted = adopt(packed.description(), bytes).value();
      EXPECT_EQ(adopted.description(), packed.description());
      EXPECT_EQ(adopted.panel_width(), packed.panel_width());
      std::vector<float> a(5 * 90);
      std::vector<float> b(5 * 90);
      gemm(pool, x.at(0), kK, 5, packed, nullptr, a.data(), 90);
      gemm(pool, x.at(0), kK, 5, adopted, nullptr, b.data(), 90);
      EXPECT_EQ(a, b);
      EXPECT_EQ(adopt(packed.description(), bytes.first(bytes.size() - 1)).error().code(),
                Code::kDataLoss);
      EXPECT_EQ(
          adopt(packed.description(), memory->bytes().subspan(4, bytes.size())).error().code(),
          Code::kInvalidArgument);
      PackedMatrix::Description odd = packed.description();
      odd.n = 91;
      EXPECT_EQ(adopt(odd, bytes).error().code(), Code::kInvalidArgument);
      PackedMatrix::Description huge = packed.description();
      huge.n = std::size_t{1} << 62;
      EXPECT_EQ(adopt(huge, bytes).error().code(), Code::kResourceExhausted);
      PackedMatrix::Description grouped = packed.description();
      grouped.group_size = 33;
      EXPECT_EQ(adopt(grouped, bytes).error().code(), Code::kInvalidArgument);
    }
  }
}

TEST(PackedMatrix, RefusesQuantisedPartsThatDoNotFitTogether) {
  std::mt19937 random(4);
  WorkerPool pool(1);
  const OwnedInt4Weight a = random_int4(8, 128, 64, true, random);
  const OwnedInt4Weight b = random_int4(8, 128, 32, true, random);
  const OwnedInt4Weight c = random_int4(8, 128, 64, false, random);
  const OwnedInt4Weight d = random_int4(9, 128, 64, true, random);
  const OwnedInt8Weight e = random_int8(8, 128, random);
  const auto code = [&](std::vector<Int4Weight> parts, Stacking stacking) {
    return PackedMatrix::pack(parts, DType::kF32, Isa::kReference, pool, stacking).error().code();
  };
  EXPECT_EQ(code({}, Stacking::kOneAfterTheOther), Code::kInvalidArgument);
  EXPECT_EQ(code({a.view(), b.view()}, Stacking::kOneAfterTheOther), Code::kInvalidArgument);
  EXPECT_EQ(code({a.view(), c.view()}, Stacking::kOneAfterTheOther), Code::kInvalidArgument);
  EXPECT_EQ(code({a.view(), d.view()}, Stacking::kOneAfterTheOther), Code::kOk);
  EXPECT_EQ(code({a.view(), d.view()}, Stacking::kAlternatingPanels), Code::kInvalidArgument);
  EXPECT_EQ(code({a.view()}, Stacking::kAlternatingPanels), Code::kInvalidArgument);
  const Int8Weight part = e.view();
  EXPECT_EQ(PackedMatrix::pack({&part, 1}, DType::kI8, Isa::kReference, pool).error().code(),
            Code::kUnimplemented);
}

}  // namespace
}  // namespace nacelle::kernels
