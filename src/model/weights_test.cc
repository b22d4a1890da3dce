#include "model/weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "model/testing/safetensors_writer.h"
#include "model/testing/tiny_model.h"
#include "tensor/half.h"

namespace nacelle::model {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::SafetensorsWriter;
using testing::TemporaryFolder;

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

std::string file_with(std::string_view name, const std::vector<float>& values,
                      std::size_t padding = 0) {
  SafetensorsWriter writer;
  writer.add(name, "F32", {values.size()}, bytes_of(values));
  return writer.file(padding);
}

template <class T>
std::vector<T> values_of(const Weight& weight) {
  const auto span = weight.view().as<T>();
  return {span.begin(), span.end()};
}

class WeightsTest : public ::testing::Test {
 protected:
  Status open_error() {
    auto store = WeightStore::open(folder_.path(), pool_);
    return store.ok() ? Status() : store.error();
  }

  TemporaryFolder folder_;
  kernels::WorkerPool pool_{2};
};

TEST_F(WeightsTest, TensorOfTheWantedDtypeIsAViewOfTheFile) {
  folder_.write("model.safetensors", file_with("a", {1.5F, -2.0F}));
  auto store = WeightStore::open(folder_.path(), pool_);
  ASSERT_TRUE(store.ok()) << store.error().to_string();
  EXPECT_EQ((*store)->stored_dtype("a"), DType::kF32);
  EXPECT_EQ((*store)->num_unused(), 1u);
  const auto weight = (*store)->fetch("a", Shape{2}, DType::kF32);
  ASSERT_TRUE(weight.ok());
  EXPECT_TRUE(weight->is_file_view());
  EXPECT_THAT(values_of<float>(*weight), ElementsAre(1.5F, -2.0F));
  EXPECT_EQ((*store)->num_unused(), 0u);
}

TEST_F(WeightsTest, EveryAlignmentOfTheDataIsRead) {
  for (std::size_t padding = 0; padding < 8; ++padding) {
    folder_.write("model.safetensors", file_with("a", {1.5F, -2.0F}, padding));
    auto store = WeightStore::open(folder_.path(), pool_);
    ASSERT_TRUE(store.ok());
    for (const DType dtype : {DType::kF32, DType::kBF16}) {
      const auto weight = (*store)->fetch("a", Shape{2}, dtype);
      ASSERT_TRUE(weight.ok());
      EXPECT_EQ(weight->view().dtype(), dtype);
      const float second = dtype == DType::kF32 ? weight->view().as<float>()[1]
                                                : float(weight->view().as<BFloat16>()[1]);
      EXPECT_EQ(second, -2.0F);
    }
  }
}

TEST_F(WeightsTest, OtherDtypesAreRoundedToTheWantedOne) {
  folder_.write("model.safetensors", file_with("a", {1.0F + 1.0F / 256, 65504.0F}));
  auto store = WeightStore::open(folder_.path(), pool_);
  ASSERT_TRUE(store.ok());
  const auto bf16 = (*store)->fetch("a", Shape{2}, DType::kBF16);
  ASSERT_TRUE(bf16.ok());
  EXPECT_FALSE(bf16->is_file_view());
  EXPECT_THAT(values_of<BFloat16>(*bf16), ElementsAre(BFloat16(1.0F), BFloat16(65536.0F)));
  const auto f16 = (*store)->fetch("a", Shape{2}, DType::kF16);
  EXPECT_THAT(values_of<Float16>(*f16), ElementsAre(Float16(1.00390625F), Float16(65504.0F)));
}

TEST_F(WeightsTest, IndexNamesTheShardOfEachTensor) {
  folder_.write("one.safetensors", file_with("a", {1.0F}));
  folder_.write("two.safetensors", file_with("b", {2.0F}));
  folder_.write("stray.safetensors", file_with("c", {3.0F}));
  folder_.write("model.safetensors.index.json",
                R"({"metadata": {"total_size": 8},
                    "weight_map": {"a": "one.safetensors", "b": "two.safetensors"}})");
  auto store = WeightStore::open(folder_.path(), pool_);
  ASSERT_TRUE(store.ok()) << store.error().to_string();
  EXPECT_THAT(values_of<float>(*(*store)->fetch("b", Shape{1}, DType::kF32)), ElementsAre(2.0F));
  EXPECT_EQ((*store)->fetch("c", Shape{1}, DType::kF32).error().code(), Code::kNotFound);
}

TEST_F(WeightsTest, WithoutAnIndexAllFilesButConsolidatedOnesAreRead) {
  folder_.write("part-1.safetensors", file_with("a", {1.0F}));
  folder_.write("part-2.safetensors", file_with("b", {2.0F}));
  folder_.write("consolidated.safetensors", file_with("a", {9.0F}));
  auto store = WeightStore::open(folder_.path(), pool_);
  ASSERT_TRUE(store.ok()) << store.error().to_string();
  EXPECT_THAT(values_of<float>(*(*store)->fetch("a", Shape{1}, DType::kF32)), ElementsAre(1.0F));
  EXPECT_EQ((*store)->num_unused(), 1u);
}

TEST_F(WeightsTest, EmptyFolderSaysWhatWasLookedFor) {
  const Status status = open_error();
  EXPECT_EQ(status.code(), Code::kNotFound);
  EXPECT_THAT(status.message(), HasSubstr(folder_.path().string()));
  EXPECT_THAT(
      status.message(),
      HasSubstr("looked for model.safetensors.index.json, model.safetensors and *.safetensors"));
}

TEST_F(WeightsTest, MissingShardIsNamedWithItsIndex) {
  folder_.write("model.safetensors.index.json", R"({"weight_map": {"a": "x-1.safetensors"}})");
  const Status status = open_error();
  EXPECT_EQ(status.code(), Code::kNotFound);
  EXPECT_THAT(status.message(), HasSubstr("x-1.safetensors is missing"));
  EXPECT_THAT(status.message(), HasSubstr("model.safetensors.index.json names 1 shards"));
}

TEST_F(WeightsTest, BrokenIndexesAreRefused) {
  folder_.write("one.safetensors", file_with("a", {1.0F}));
  struct Case {
    const char* index;
    const char* message;
  };
  const std::vector<Case> cases = {
      {"{", "not valid JSON"},
      {"{}", "weight_map is missing"},
      {R"({"weight_map": []})", "weight_map is missing or not an object"},
      {R"({"weight_map": {"a": 1}})", "the file of a is not a string"},
      {R"({"weight_map": {"a": "../one.safetensors"}})", "not a plain file name"},
      {R"({"weight_map": {"a": "/etc/passwd"}})", "not a plain file name"},
      {R"({"weight_map": {"a": ".."}})", "not a plain file name"},
      {R"({"weight_map": {"a": "one\u0000.safetensors"}})", "not a plain file name"},
      {R"({"weight_map": {"b": "one.safetensors"}})",
       "says that tensor b is in one.safetensors, which does not have it"},
  };
  for (const Case& c : cases) {
    folder_.write("model.safetensors.index.json", c.index);
    const Status status = open_error();
    EXPECT_FALSE(status.ok()) << c.index;
    EXPECT_THAT(status.message(), HasSubstr(c.message)) << c.index;
    EXPECT_THAT(status.message(), HasSubstr("model.safetensors.index.json")) << c.index;
  }
}

TEST_F(WeightsTest, OneTensorInTwoFilesIsRefused) {
  folder_.write("part-1.safetensors", file_with("a", {1.0F}));
  folder_.write("part-2.safetensors", file_with("a", {2.0F}));
  const Status status = open_error();
  EXPECT_EQ(status.code(), Code::kDataLoss);
  EXPECT_THAT(status.message(), HasSubstr("tensor a is in both"));
}

TEST_F(WeightsTest, WrongShapeDtypeAndNameAreRefused) {
  SafetensorsWriter writer;
  writer.add("matrix", "F32", {1, 2}, bytes_of<float>({1, 2}));
  writer.add("packed", "I32", {2}, bytes_of<std::int32_t>({1, 2}));
  folder_.write("model.safetensors", writer.file());
  auto store = WeightStore::open(folder_.path(), pool_);
  ASSERT_TRUE(store.ok());
  const auto shape = (*store)->fetch("matrix", Shape{2, 1}, DType::kF32);
  EXPECT_EQ(shape.error().code(), Code::kInvalidArgument);
  EXPECT_THAT(shape.error().message(),
              HasSubstr("tensor matrix has shape [1, 2], config.json implies [2, 1]"));
  const auto dtype = (*store)->fetch("packed", Shape{2}, DType::kF32);
  EXPECT_THAT(dtype.error().message(),
              HasSubstr("tensor packed has dtype I32, accepted: F32, BF16, F16"));
  const auto name = (*store)->fetch("nothing", Shape{2}, DType::kF32);
  EXPECT_EQ(name.error().code(), Code::kNotFound);
  EXPECT_THAT(name.error().message(), HasSubstr("tensor nothing is missing"));
}

TEST(DummyWeights, AreTheSameForASeedWhateverTheThreadsAndTheDtype) {
  kernels::WorkerPool one(1), two(2);
  const Shape shape{300, 1001};  // more than one task, and an odd rest
  const auto first = WeightStore::dummy(7, one)->fetch("a.weight", shape, DType::kF32);
  const auto second = WeightStore::dummy(7, two)->fetch("a.weight", shape, DType::kF32);
  const auto half = WeightStore::dummy(7, two)->fetch("a.weight", shape, DType::kBF16);
  const auto other_seed = WeightStore::dummy(8, one)->fetch("a.weight", shape, DType::kF32);
  const auto other_name = WeightStore::dummy(7, one)->fetch("b.weight", shape, DType::kF32);
  const std::vector<float> values = values_of<float>(*first);
  EXPECT_EQ(values, values_of<float>(*second));
  EXPECT_NE(values, values_of<float>(*other_seed));
  EXPECT_NE(values, values_of<float>(*other_name));
  const std::span<const BFloat16> rounded = half->view().as<BFloat16>();
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(rounded[i], BFloat16(values[i]));
}

TEST(DummyWeights, RecycledMemoryDoesNotShow) {
  kernels::WorkerPool pool(1);
  const auto store = WeightStore::dummy(7, pool);
  const Shape large{64, 64}, small{50, 33};
  const std::vector<float> fresh = values_of<float>(*store->fetch("a", small, DType::kF32));
  store->recycle(std::move(*store->fetch("b", large, DType::kF32)));
  store->recycle(std::move(*store->fetch("c", small, DType::kF32)));
  for (int i = 0; i < 3; ++i) {  // from the best fit, from the larger one, from nowhere
    auto weight = store->fetch("a", small, DType::kF32);
    EXPECT_EQ(values_of<float>(*weight), fresh);
  }
  store->drop_recycled();
  EXPECT_EQ(values_of<float>(*store->fetch("a", small, DType::kF32)), fresh);
}

TEST(DummyWeights, MatricesKeepTheVarianceOfTheirInput) {
  kernels::WorkerPool pool(1);
  const auto weight =
      WeightStore::dummy(1, pool)->fetch("q_proj.weight", Shape{512, 256}, DType::kF32);
  double sum = 0.0, squares = 0.0;
  for (const float value : weight->view().as<float>()) {
    sum += value;
    squares += static_cast<double>(value) * value;
  }
  const double count = 512.0 * 256.0;
  // 131072 draws: both are within 4 standard errors.
  EXPECT_NEAR(sum / count, 0.0, 0.001);
  EXPECT_NEAR(squares / count * 256.0, 1.0, 0.015);
}

}  // namespace
}  // namespace nacelle::model
