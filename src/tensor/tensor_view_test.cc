#include "tensor/tensor_view.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace nacelle {
namespace {

constexpr std::size_t kHuge = std::numeric_limits<std::size_t>::max();

TEST(Shape, CountsElements) {
  EXPECT_EQ(Shape().num_elements(), 1u);
  EXPECT_EQ((Shape{2, 3, 4}).num_elements(), 24u);
  EXPECT_EQ((Shape{5, 0}).num_elements(), 0u);
  EXPECT_EQ((Shape{2, 3}).to_string(), "[2, 3]");
  EXPECT_FALSE((Shape{2, 3}) == (Shape{3, 2}));
}

TEST(Shape, RefusesWhatAFileMayClaim) {
  const std::vector<std::size_t> overflow = {std::size_t{1} << 40, std::size_t{1} << 40};
  EXPECT_EQ(Shape::make(overflow).error().code(), Code::kInvalidArgument);
  const std::vector<std::size_t> hidden = {0, kHuge, kHuge};
  EXPECT_EQ(Shape::make(hidden).error().code(), Code::kInvalidArgument);
  const std::vector<std::size_t> deep(9, 1);
  EXPECT_EQ(Shape::make(deep).error().code(), Code::kInvalidArgument);
  const std::vector<std::size_t> most(8, 2);
  EXPECT_TRUE(Shape::make(most).ok());
}

TEST(TensorView, BytesMustMatchTypeAndShape) {
  alignas(8) const std::byte memory[32] = {};
  const std::span<const std::byte> bytes(memory);
  EXPECT_TRUE(TensorView::make(bytes, DType::kF32, Shape{2, 4}).ok());
  EXPECT_FALSE(TensorView::make(bytes, DType::kF32, Shape{2, 3}).ok());
  EXPECT_FALSE(TensorView::make(bytes.first(31), DType::kF16, Shape{15}).ok());
  EXPECT_FALSE(TensorView::make(bytes.subspan(1, 8), DType::kF32, Shape{2}).ok());  // unaligned
  EXPECT_TRUE(TensorView::make({}, DType::kF32, Shape{0, 4}).ok());
}

TEST(TensorView, RowsAreAWindowOfTheFirstAxis) {
  const float data[6] = {0, 1, 2, 3, 4, 5};
  const TensorView view(data, DType::kF32, Shape{3, 2});
  const TensorView part = view.rows(1, 2);
  EXPECT_EQ(part.shape(), (Shape{2, 2}));
  EXPECT_EQ(part.as<float>()[0], 2.0F);
  EXPECT_EQ(part.as<float>().size(), 4u);
}

TEST(TensorViewDeathTest, ReadingAsAnotherTypeIsABug) {
  const float data[1] = {0};
  const TensorView view(data, DType::kF32, Shape{1});
  EXPECT_DEATH((void)view.as<std::int32_t>(), "CHECK|DTypeOf");
}

}  // namespace
}  // namespace nacelle
