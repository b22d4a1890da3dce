#include "tensor/dtype.h"

#include <gtest/gtest.h>

namespace nacelle {
namespace {

TEST(DType, NamesOfBothDialectsLeadBackToTheType) {
  for (int i = 0; i <= static_cast<int>(DType::kBool); ++i) {
    const auto dtype = static_cast<DType>(i);
    EXPECT_EQ(parse_dtype(to_string(dtype)).value(), dtype);
    EXPECT_EQ(parse_safetensors_dtype(safetensors_name(dtype)).value(), dtype);
  }
}

TEST(DType, KnowsSizesAndKinds) {
  EXPECT_EQ(size_of(DType::kF64), 8u);
  EXPECT_EQ(size_of(DType::kBF16), 2u);
  EXPECT_EQ(size_of(DType::kF8E8M0), 1u);
  EXPECT_EQ(size_of(DType::kBool), 1u);
  EXPECT_TRUE(is_floating(DType::kF8E4M3));
  EXPECT_FALSE(is_floating(DType::kI8));
}

TEST(DType, AcceptsTheSpellingsOfConfigurations) {
  EXPECT_EQ(parse_dtype("torch.bfloat16").value(), DType::kBF16);
  EXPECT_EQ(parse_dtype("half").value(), DType::kF16);
  EXPECT_EQ(parse_dtype("float").value(), DType::kF32);
}

TEST(DType, RefusesUnknownNames) {
  EXPECT_EQ(parse_dtype("").error().code(), Code::kInvalidArgument);
  EXPECT_EQ(parse_dtype("BF16").error().code(), Code::kInvalidArgument);
  EXPECT_EQ(parse_safetensors_dtype("bfloat16").error().code(), Code::kInvalidArgument);
  EXPECT_NE(parse_safetensors_dtype("F4").error().message().find("'F4'"), std::string::npos);
}

}  // namespace
}  // namespace nacelle
