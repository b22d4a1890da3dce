// `--quantization` at load: what becomes of the matrices, and that answers stay close and do not
// depend on company. Accuracy on real text is quantization_accuracy_bench.cc's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/isa.h"
#include "model/testing/sequence_runner.h"
#include "model/testing/tiny_model.h"

namespace nacelle::model {
namespace {

using ::testing::HasSubstr;

class QuantizedModel : public ::testing::Test {
 protected:
  Result<std::unique_ptr<CausalLm>> load(const std::string& quantization, bool tied = false,
                                         const std::string& isa = "",
                                         std::uint32_t intermediate = 96) {
    const testing::TemporaryFolder folder;
    folder.write("config.json",
                 testing::tiny_config_json(
                     {.hidden_size = 64, .intermediate_size = intermediate, .dtype = "bfloat16"}));
    LoadOptions options;
    options.format = LoadFormat::kDummy;
    options.quantization = quantization;
    options.isa = isa;
    if (tied) options.hf_overrides_json = R"({"tie_word_embeddings": true})";
    return CausalLm::load(folder.path(), options, pool_);
  }

  static std::vector<TokenId> tokens() { return {1, 5, 200, 31, 8, 77, 256, 14, 9, 3, 120}; }

  std::vector<float> logits(CausalLm& model, std::size_t chunk) {
    testing::SequenceRunner runner(model, 16, 1, 16);
    return runner.run(0, tokens(), chunk);
  }

  kernels::WorkerPool pool_{2};
};

TEST_F(QuantizedModel, SaysItsFormatsAndTakesLessMemory) {
  struct Case {
    const char* name;
    const char* format;
  };
  // 64 and 96 columns: groups of 128 do not divide them, so they are smaller.
  const std::vector<Case> cases = {
      {"", "bf16"},
      {"int8-head16", "int8, head bf16"},
      {"int8", "int8"},
      {"int4-head16", "int4-g32+int4-g64, head bf16"},
      {"int4", "int4-g32+int4-g64, head int8"},
      {"int4-g32", "int4-g32, head int8"},
  };
  for (const bool tied : {false, true}) {
    std::vector<std::size_t> bytes;
    for (const Case& c : cases) {
      const auto model = load(c.name, tied);
      ASSERT_TRUE(model.ok()) << c.name << ": " << model.error().to_string();
      EXPECT_EQ((*model)->weight_format(), c.format);
      EXPECT_EQ((*model)->dtype(), DType::kBF16);
      bytes.push_back((*model)->weight_bytes());
    }
    EXPECT_LT(bytes[1], bytes[0]);
    EXPECT_LT(bytes[2], bytes[1]) << "the head";
    EXPECT_LT(bytes[4], bytes[2]);
    EXPECT_LT(bytes[4], bytes[3]) << "the head";
  }
}

// Random weights of 8 and 4 bits move logits of spread 1 by a few hundredths and a few tenths.
TEST_F(QuantizedModel, LogitsStayCloseOnEveryInstructionSet) {
  const auto exact = load("");
  ASSERT_TRUE(exact.ok());
  const std::vector<float> expected = logits(**exact, 11);
  for (const kernels::Isa isa : kernels::supported_isas()) {
    for (const auto& [name, limit] :
         {std::pair("int8", 0.04), std::pair("int4-g32", 0.25), std::pair("int4-head16", 0.3)}) {
      const auto model = load(name, false, std::string(kernels::to_string(isa)));
      ASSERT_TRUE(model.ok()) << model.error().to_string();
      const std::vector<float> ours = logits(**model, 11);
      double squares = 0.0, reference = 0.0;
      for (std::size_t i = 0; i < ours.size(); ++i) {
        squares += std::pow(ours[i] - expected[i], 2);
        reference += std::pow(expected[i], 2);
      }
      const double relative = std::sqrt(squares / reference);
      EXPECT_LT(relative, limit) << name << " on " << to_string(isa);
      EXPECT_GT(relative, limit / 50) << name << " must have changed something";
    }
  }
}

TEST_F(QuantizedModel, ARowsBitsDoNotDependOnItsChunk) {
  for (const char* name : {"int8", "int4", "int4-g32-head16"}) {
    const auto whole = load(name), single = load(name), uneven = load(name);
    ASSERT_TRUE(whole.ok());
    const std::vector<float> expected = logits(**whole, 11);
    EXPECT_EQ(logits(**single, 1), expected) << name;
    EXPECT_EQ(logits(**uneven, 4), expected) << name;
  }
}

TEST_F(QuantizedModel, WhatCannotBeDoneIsRefused) {
  const auto odd = load("int4", false, "", 40);
  ASSERT_FALSE(odd.ok());
  EXPECT_THAT(odd.error().message(),
              HasSubstr("down_proj: int4 needs columns in a multiple of 32, a weight has 40"));
  EXPECT_TRUE(load("int8", false, "", 40).ok());
  const auto unknown = load("int5");
  ASSERT_FALSE(unknown.ok());
  EXPECT_THAT(unknown.error().message(), HasSubstr("accepted: int8, int4"));
  const auto awq = load("awq");
  ASSERT_FALSE(awq.ok());
  EXPECT_THAT(awq.error().message(), HasSubstr("config.json has no quantization_config"));
}

}  // namespace
}  // namespace nacelle::model
