// Quantised weights in files of packed weights: quantised at load, or by the checkpoint. Mapped or
// not, the bits are the same.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/causal_lm.h"
#include "model/packed_file.h"
#include "model/testing/packed_cache_events.h"
#include "model/testing/sequence_runner.h"
#include "model/testing/tiny_model.h"

namespace nacelle::model {
namespace {

namespace fs = std::filesystem;
using Kind = PackedCacheEvent::Kind;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

const fs::path kModels = NACELLE_TESTDATA "/model";

struct Case {
  const char* folder;
  const char* quantization;
  const char* weight_format;
  std::size_t matrices;  // in the file
};

// Layers have four matrices each, and there is the head. Those whose inputs are put in an order
// (act order) are packed at every start: here o and down, while stacks whose parts have orders of
// their own are dense.
constexpr Case kCases[] = {
    {"goldens/llama_vocab1009_bf16", "int8", "int8", 9},
    {"goldens/llama_vocab1009_bf16", "int4-g32", "int4-g32, head int8", 9},
    {"quantized/ct_int8_channel", "", "int8, head bf16", 5},
    {"quantized/gptq_v2_int4_g64", "", "int4-g32, head bf16", 5},
    {"quantized/gptq_int4_g32_ordered", "", "bf16+int4-g32, head bf16", 3},
};

class QuantizedPackedCache : public ::testing::Test {
 protected:
  std::unique_ptr<CausalLm> load(const Case& c, testing::PackedCacheEvents* events) {
    LoadOptions options;
    options.dtype = DType::kBF16;
    options.quantization = c.quantization;
    if (events != nullptr) {
      options.packed_cache.mode = PackedCacheOptions::Mode::kFolder;
      options.packed_cache.folder = caches_.path();
      options.packed_cache.report = [events](const PackedCacheEvent& event) { events->add(event); };
    }
    auto model = CausalLm::load(kModels / c.folder, options, pool_);
    EXPECT_TRUE(model.ok()) << model.error().to_string();
    return model.ok() ? std::move(*model) : nullptr;
  }

  static std::vector<float> logits(CausalLm& model) {
    testing::SequenceRunner runner(model, 16, 1, 32);
    return runner.run(0, std::vector<TokenId>{1, 5, 9, 2, 7, 3, 11, 40}, 5);
  }

  const testing::TemporaryFolder caches_;
  kernels::WorkerPool pool_{2};
};

TEST_F(QuantizedPackedCache, MappedWeightsGiveTheSameBits) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(std::string(c.folder) + " " + c.quantization);
    const auto plain = load(c, nullptr);
    ASSERT_NE(plain, nullptr);
    EXPECT_EQ(plain->weight_format(), c.weight_format);
    const std::vector<float> expected = logits(*plain);

    testing::PackedCacheEvents first_events, second_events;
    const auto first = load(c, &first_events);
    ASSERT_NE(first, nullptr);
    const fs::path file = first_events.wait_for(Kind::kWritten).file;
    EXPECT_EQ(logits(*first), expected);
    const auto written = PackedFile::open(file);
    ASSERT_TRUE(written.ok()) << written.error().to_string();
    EXPECT_EQ(written->header().matrices.size(), c.matrices);

    const auto second = load(c, &second_events);
    ASSERT_NE(second, nullptr);
    EXPECT_EQ(second_events.count(Kind::kMapped), 1u);
    EXPECT_EQ(second->weight_format(), c.weight_format);
    EXPECT_EQ(second->weight_bytes(), plain->weight_bytes());
    EXPECT_EQ(logits(*second), expected);
  }
}

// The order of the inputs is not in the file, so neither are the matrices that need it.
TEST_F(QuantizedPackedCache, MatricesWithAnOrderOfInputsAreLeftOut) {
  testing::PackedCacheEvents events;
  const auto model = load(kCases[4], &events);
  ASSERT_NE(model, nullptr);
  const auto file = PackedFile::open(events.wait_for(Kind::kWritten).file);
  ASSERT_TRUE(file.ok());
  std::vector<std::string> names;
  for (const auto& matrix : file->header().matrices) names.push_back(matrix.name);
  EXPECT_THAT(names, UnorderedElementsAre(HasSubstr("q_proj"), HasSubstr("gate_proj"), "lm_head"));
}

// Files do not stand in for each other: each quantisation has its own.
TEST_F(QuantizedPackedCache, EachQuantisationHasAFileOfItsOwn) {
  for (const std::size_t i : {0, 1}) {
    testing::PackedCacheEvents events;
    const auto model = load(kCases[i], &events);
    ASSERT_NE(model, nullptr);
    EXPECT_THAT(events.wait_for(Kind::kWritten).file.filename().string(),
                HasSubstr(kCases[i].quantization));
    EXPECT_EQ(events.count(Kind::kMapped), 0u);
  }
}

}  // namespace
}  // namespace nacelle::model
