// Reads checkpoints of every quantised format (tools/goldens/quantized.py wrote them with encoders
// of its own) and compares with the dequantised weights and with the logits of a dense model that
// has them, both computed there in f64.
//
// Tolerances. Dequantised weights in f32: one rounding of a product and one of the golden, 2^-23 of
// the value. Logits in f32: 2e-5, some dozens of roundings of values near 10; where linears stay
// int8, activations are rounded to 8 bits too, and 0.25 is 3 % of the spread of these logits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/isa.h"
#include "model/causal_lm.h"
#include "model/config.h"
#include "model/quantization/method.h"
#include "model/safetensors.h"
#include "model/testing/sequence_runner.h"

namespace nacelle::model {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = NACELLE_TESTDATA "/model/quantized";

template <class T>
std::vector<T> values(const SafetensorsFile& file, std::string_view name) {
  const TensorInfo* tensor = file.find(name);
  EXPECT_NE(tensor, nullptr) << name;
  if (tensor == nullptr) return {};
  const std::span<const std::byte> bytes = file.bytes(*tensor);
  std::vector<T> out(bytes.size() / sizeof(T));
  std::memcpy(out.data(), bytes.data(), bytes.size());
  return out;
}

struct FormatCase {
  const char* folder;
  const char* weight_format;  // what CausalLm says
};

// The stack of q, k and v is dense where v is, or where the parts have orders of their own.
constexpr FormatCase kCases[] = {
    {"ct_int8_channel", "int8, head f32"},
    {"ct_int4_g32", "int4-g32, head f32"},
    {"ct_int4_g64_zeros", "int4-g32, head f32"},
    {"ct_int4_channel", "int4-g128+int4-g32, head f32"},
    {"ct_int4_g32_ordered", "int4-g32, head f32"},
    {"ct_int4_g16_ordered_apart", "f32"},
    {"ct_int8_g32_packed", "f32"},
    {"ct_fp8_channel", "f32"},
    {"ct_mixed_targets", "f32+int4-g128+int8, head f32"},
    {"fp8_tensor", "f32"},
    {"fp8_block", "f32"},
    {"awq_g32", "f32+int4-g32, head f32"},
    {"gptq_int4_g32_ordered", "f32+int4-g32, head f32"},
    {"gptq_v2_int4_g64", "int4-g32, head f32"},
    {"gptq_int8_g64", "f32"},
};

class QuantizedCheckpoint : public ::testing::TestWithParam<FormatCase> {
 protected:
  fs::path folder() const { return kFolder / GetParam().folder; }
  SafetensorsFile golden() const {
    auto file = SafetensorsFile::open(folder() / "golden.safetensors");
    EXPECT_TRUE(file.ok());
    return std::move(*file);
  }
  std::unique_ptr<CausalLm> load(const LoadOptions& options) {
    auto model = CausalLm::load(folder(), options, pool_);
    EXPECT_TRUE(model.ok()) << model.error().to_string();
    return model.ok() ? std::move(*model) : nullptr;
  }
  // Largest distance of logits from the golden.
  float distance(CausalLm& model) {
    const SafetensorsFile file = golden();
    const auto tokens = values<TokenId>(file, "tokens");
    const auto expected = values<float>(file, "logits");
    testing::SequenceRunner runner(model, 16, 1, 16);
    const std::vector<float> logits = runner.run(0, tokens, tokens.size());
    EXPECT_EQ(logits.size(), expected.size());
    float largest = 0.0F;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const float gap = std::abs(logits[i] - expected[i]);
      largest = gap <= largest ? largest : gap;  // a NaN is taken over
    }
    return largest;
  }

  kernels::WorkerPool pool_{2};
};

TEST_P(QuantizedCheckpoint, WeightsAreTheDequantisedOnes) {
  const auto config = ModelConfig::load(folder());
  ASSERT_TRUE(config.ok()) << config.error().to_string();
  ASSERT_NE(config->quantization, nullptr);
  auto store = WeightStore::open(folder(), pool_);
  ASSERT_TRUE(store.ok());
  const std::string module = "model.layers.0.self_attn.q_proj";
  const LinearScheme* scheme = config->quantization->scheme_of(module);
  ASSERT_NE(scheme, nullptr);
  const LinearRequest request{.n = 64, .k = 64, .dtype = DType::kF32, .pool = pool_};
  auto weight =
      config->quantization->method->read(ModuleTensors(**store, module), *scheme, request);
  ASSERT_TRUE(weight.ok()) << weight.error().to_string();
  const auto dense = to_dense(std::move(*weight), DType::kF32, **store, pool_);
  ASSERT_TRUE(dense.ok());
  const std::vector<float> expected = values<float>(golden(), "q_proj");
  const std::span<const float> ours = dense->view().as<float>();
  ASSERT_EQ(ours.size(), expected.size());
  for (std::size_t i = 0; i < ours.size(); ++i) {
    ASSERT_NEAR(ours[i], expected[i], std::abs(expected[i]) * 0x1p-23F) << i / 64 << ", " << i % 64;
  }
}

TEST_P(QuantizedCheckpoint, LogitsInF32AreThoseOfTheDequantisedModel) {
  for (const kernels::Isa isa : kernels::supported_isas()) {
    LoadOptions options;
    options.dtype = DType::kF32;
    options.isa = kernels::to_string(isa);
    const auto model = load(options);
    ASSERT_NE(model, nullptr);
    EXPECT_EQ(model->weight_format(), GetParam().weight_format);
    const bool int8 = model->weight_format().find("int8") != std::string::npos;
    const float largest = distance(*model);
    RecordProperty(options.isa, std::to_string(largest));
    EXPECT_LE(largest, int8 ? 0.25F : 2e-5F) << options.isa;
  }
}

// What is left of the distance in 16 bits is the rounding of activations: at most 0.2 here, and
// float16 is what most AWQ and GPTQ checkpoints ask for.
TEST_P(QuantizedCheckpoint, LoadsIn16BitsAndQuantisesTheHead) {
  const auto config = ModelConfig::load(folder());
  ASSERT_TRUE(config.ok());
  for (const std::optional<DType> dtype : {std::optional<DType>(), std::optional(DType::kF16)}) {
    LoadOptions options;
    options.dtype = dtype;
    const auto plain = load(options);
    ASSERT_NE(plain, nullptr);
    EXPECT_EQ(plain->dtype(), dtype.value_or(DType::kBF16));
    const float largest = distance(*plain);
    RecordProperty("plain", std::to_string(largest));
    EXPECT_LE(largest, 0.3F);
    options.quantization = std::string(config->quantization->method_name()) + "-head8";
    const auto head8 = load(options);
    ASSERT_NE(head8, nullptr);
    EXPECT_TRUE(head8->weight_format().ends_with("int8")) << head8->weight_format();
    EXPECT_LT(head8->weight_bytes(), plain->weight_bytes());
    const float with_head = distance(*head8);
    RecordProperty("head8", std::to_string(with_head));
    EXPECT_LE(with_head, 0.3F);
  }
}

// The shape of a quantised checkpoint, made up: int8 and int4 where the file would have them.
TEST_P(QuantizedCheckpoint, DummyWeightsTakeTheFormOfTheCheckpoint) {
  LoadOptions options;
  options.format = LoadFormat::kDummy;
  options.dtype = DType::kF32;
  const auto model = load(options);
  ASSERT_NE(model, nullptr);
  const std::string expected = GetParam().weight_format;
  const std::string format = model->weight_format();
  for (const char* kind : {"int8", "int4"}) {
    if (expected.find(kind) == std::string::npos) continue;
    EXPECT_NE(format.find(kind), std::string::npos) << format << " for " << expected;
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, QuantizedCheckpoint, ::testing::ValuesIn(kCases),
                         [](const auto& tested) { return std::string(tested.param.folder); });

}  // namespace
}  // namespace nacelle::model
