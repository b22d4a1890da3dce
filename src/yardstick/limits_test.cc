// Which register loop is the roof of which kernels.
#include "yardstick/limits.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace nacelle::yardstick {
namespace {

using kernels::Isa;
using kernels::WeightFormat;

struct Case {
  Isa isa;
  const char* f32;  // and f16
  const char* bf16;
  const char* int8;
  const char* int4;
};

constexpr Case kCases[] = {
    {Isa::kReference, "f32, portable", "f32, portable", "f32, portable", "f32, portable"},
    {Isa::kPortable, "f32, portable", "f32, portable", "f32, portable", "f32, portable"},
    {Isa::kAvx2, "f32, avx2", "f32, avx2", "int8, avx2", "f32, avx2"},
    {Isa::kAvx512, "f32, avx512", "f32, avx512", "int8, avx512", "f32, avx512"},
    {Isa::kAvx512Vnni, "f32, avx512", "f32, avx512", "int8, avx512_vnni", "f32, avx512"},
    {Isa::kAvx512Bf16, "f32, avx512", "bf16, avx512_bf16", "int8, avx512_vnni",
     "bf16, avx512_bf16"},
    {Isa::kAmx, "f32, avx512", "bf16, amx", "int8, amx", "bf16, amx"},
    {Isa::kAmxEmulated, "f32, avx512", "bf16, avx512_bf16", "int8, avx512_vnni",
     "bf16, avx512_bf16"},
};

TEST(Roofs, EachSetAndFormatIsJudgedByItsOwnInstructions) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(to_string(c.isa));
    EXPECT_EQ(roof_name(c.isa, WeightFormat::kF32), c.f32);
    EXPECT_EQ(roof_name(c.isa, WeightFormat::kF16), c.f32);
    EXPECT_EQ(roof_name(c.isa, WeightFormat::kBF16), c.bf16);
    EXPECT_EQ(roof_name(c.isa, WeightFormat::kInt8), c.int8);
    EXPECT_EQ(roof_name(c.isa, WeightFormat::kInt4), c.int4);
  }
}

// A roof that no loop measures, or that needs a better machine than the kernels do, is none.
TEST(Roofs, EachNameIsALoopThatRunsWhereTheSetRuns) {
  const std::vector<RoofLine> lines = roof_lines();
  for (const Case& c : kCases) {
    for (const char* name : {c.f32, c.bf16, c.int8, c.int4}) {
      const auto line = std::ranges::find(lines, name, &RoofLine::name);
      ASSERT_NE(line, lines.end()) << name;
      if (c.isa == Isa::kReference) continue;  // its roof is the next best set's
      EXPECT_LE(line->isa, c.isa) << name;
      EXPECT_TRUE(line->isa != Isa::kAmx || c.isa == Isa::kAmx) << name;
    }
  }
}

TEST(Roofs, EveryLoopOfThisMachineIsMeasuredAndNoOther) {
  kernels::WorkerPool pool(1);
  auto meter = LimitMeter::make(pool);
  ASSERT_TRUE(meter.ok()) << meter.error().to_string();
  meter->measure_all(0);  // one burst each
  const std::vector<Roof>& measured = meter->limits().arithmetic;
  std::size_t expected = 0;
  for (const RoofLine& line : roof_lines()) {
    const auto found = std::ranges::find(measured, line.name, &Roof::name);
    EXPECT_EQ(found != measured.end(), is_supported(line.isa)) << line.name;
    if (found == measured.end()) continue;
    ++expected;
#if defined(__x86_64__)
    EXPECT_GT(found->one_thread, 0) << line.name;
    EXPECT_GT(found->all_threads, 0) << line.name;
#endif
  }
  EXPECT_EQ(measured.size(), expected);
}

}  // namespace
}  // namespace nacelle::yardstick
