#include "kernels/isa.h"

#include <gtest/gtest.h>

namespace nacelle::kernels {
namespace {

TEST(Isa, NamesLeadBackToTheSet) {
  for (const Isa isa : supported_isas()) {
    EXPECT_TRUE(is_supported(isa));
    EXPECT_EQ(parse_isa(to_string(isa)).value(), isa);
  }
  EXPECT_EQ(parse_isa("").value(), best_isa());
  EXPECT_EQ(parse_isa("auto").value(), best_isa());
}

TEST(Isa, ReferenceRunsEverywhereAndTheBestComesLast) {
  EXPECT_EQ(supported_isas().front(), Isa::kReference);
  EXPECT_EQ(supported_isas().back(), best_isa());
}

TEST(Isa, RefusesUnknownAndMissingSets) {
  EXPECT_EQ(parse_isa("avx1024").error().code(), Code::kInvalidArgument);
  for (const Isa isa : {Isa::kAvx2, Isa::kAvx512, Isa::kAvx512Vnni, Isa::kAvx512Bf16, Isa::kAmx}) {
    if (is_supported(isa)) continue;
    EXPECT_EQ(parse_isa(to_string(isa)).error().code(), Code::kFailedPrecondition);
  }
}

}  // namespace
}  // namespace nacelle::kernels
