#include "model/causal_lm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "kernels/softmax/softmax.h"
#include "kernels/worker_pool.h"
#include "model/generation_config.h"
#include "model/testing/safetensors_writer.h"
#include "model/testing/sequence_runner.h"
#include "model/testing/tiny_model.h"

namespace nacelle::model {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

const fs::path kGoldens = NACELLE_TESTDATA "/model/goldens";

class CausalLmTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<CausalLm>> load(const fs::path& folder, LoadOptions options = {}) {
    return CausalLm::load(folder, options, pool_);
  }

  // A copy of a golden's checkpoint, to be spoilt.
  void copy_golden(const std::string& name) {
    for (const auto& entry : fs::directory_iterator(kGoldens / name)) {
      fs::copy_file(entry.path(), folder_.path() / entry.path().filename());
    }
  }

  void expect_refused(Code code, const std::string& message, LoadOptions options = {}) {
    const auto model = load(folder_.path(), std::move(options));
    ASSERT_FALSE(model.ok());
    EXPECT_EQ(model.error().code(), code) << model.error().to_string();
    EXPECT_THAT(model.error().message(), HasSubstr(message));
  }

  TemporaryFolder folder_;
  kernels::WorkerPool pool_{2};
};

TEST_F(CausalLmTest, DescribesItself) {
  std::vector<double> fractions;
  LoadOptions options;
  options.progress = [&](double fraction) { fractions.push_back(fraction); };
  const auto model = load(kGoldens / "qwen2_window12_sharded_bf16", options);
  ASSERT_TRUE(model.ok()) << model.error().to_string();
  const ModelConfig& config = (*model)->config();
  EXPECT_EQ((*model)->dtype(), DType::kBF16);
  // K and V, 3 layers, 3 heads of 16, 2 bytes.
  EXPECT_EQ((*model)->kv_bytes_per_block(16), 2u * 3 * 16 * 3 * 16 * 2);
  EXPECT_GE((*model)->weight_bytes(), config.num_parameters() * 2);
  EXPECT_LT((*model)->weight_bytes(), config.num_parameters() * 4);
  ASSERT_GE(fractions.size(), 3u);
  EXPECT_TRUE(std::is_sorted(fractions.begin(), fractions.end()));
  EXPECT_EQ(fractions.back(), 1.0);
}

TEST_F(CausalLmTest, GoldensOfOlderAndNewerFilesHaveTheirGenerationDefaults) {
  const auto config = GenerationConfig::load(kGoldens / "llama_linear_bias_f32");
  ASSERT_TRUE(config.ok()) << config.error().to_string();
  EXPECT_THAT(config->eos_token_ids, ::testing::ElementsAre(2, 5));
}

TEST_F(CausalLmTest, AskedDtypeWins) {
  for (const DType dtype : {DType::kF32, DType::kBF16, DType::kF16}) {
    LoadOptions options;
    options.dtype = dtype;
    const auto model = load(kGoldens / "llama_head80_f32", options);
    ASSERT_TRUE(model.ok());
    EXPECT_EQ((*model)->dtype(), dtype);
  }
  LoadOptions options;
  options.dtype = DType::kI8;
  copy_golden("llama_head80_f32");
  expect_refused(Code::kInvalidArgument, "dtype int8 is not supported, accepted: float32", options);
}

TEST_F(CausalLmTest, WithoutADtypeInTheConfigTheCheckpointDecides) {
  copy_golden("mistral_head128_bf16");
  LoadOptions options;
  options.hf_overrides_json = R"({"torch_dtype": null})";
  const auto model = load(folder_.path(), options);
  ASSERT_TRUE(model.ok()) << model.error().to_string();
  EXPECT_EQ((*model)->dtype(), DType::kBF16);
}

TEST_F(CausalLmTest, OverridesChangeTheConfig) {
  LoadOptions options;
  options.hf_overrides_json = R"({"max_position_embeddings": 33})";
  const auto model = load(kGoldens / "llama_head80_f32", options);
  ASSERT_TRUE(model.ok());
  EXPECT_EQ((*model)->config().max_model_len, 33u);
}

TEST_F(CausalLmTest, UnknownInstructionSetIsRefused) {
  copy_golden("llama_head80_f32");
  LoadOptions options;
  options.isa = "abacus";
  expect_refused(Code::kInvalidArgument, "abacus", options);
}

TEST_F(CausalLmTest, TruncatedWeightsAreRefused) {
  copy_golden("llama_head80_f32");
  fs::resize_file(folder_.path() / "model.safetensors", 60000);
  expect_refused(Code::kDataLoss, "model.safetensors: tensor");
}

TEST_F(CausalLmTest, MissingShardIsRefused) {
  copy_golden("mistral_window8_sharded_f32");
  fs::remove(folder_.path() / "model-00002-of-00003.safetensors");
  expect_refused(Code::kNotFound, "model-00002-of-00003.safetensors is missing");
}

TEST_F(CausalLmTest, ConfigThatDisagreesWithTheWeightsIsRefused) {
  copy_golden("llama_head80_f32");
  struct Case {
    const char* overrides;
    const char* message;
    Code code = Code::kInvalidArgument;
  };
  const std::vector<Case> cases = {
      {R"({"vocab_size": 98})",
       "embed_tokens.weight has shape [97, 24], config.json implies [98, 24]"},
      {R"({"num_key_value_heads": 2})",
       "k_proj.weight has shape [80, 24], config.json implies [160, 24]"},
      {R"({"intermediate_size": 32})", "gate_proj.weight has shape [33, 24]"},
      {R"({"num_hidden_layers": 3})", "tensor model.layers.2.input_layernorm.weight is missing",
       Code::kNotFound},
      {R"({"attention_bias": true})", "tensor model.layers.0.self_attn.q_proj.bias is missing",
       Code::kNotFound},
      {R"({"architectures": ["Qwen3ForCausalLM"]})",
       "tensor model.layers.0.self_attn.q_norm.weight is missing", Code::kNotFound},
  };
  for (const Case& c : cases) {
    LoadOptions options;
    options.hf_overrides_json = c.overrides;
    expect_refused(c.code, c.message, options);
  }
}

TEST_F(CausalLmTest, UntiedModelWithoutAHeadIsRefused) {
  copy_golden("llama_llama3_tied_f32");
  LoadOptions options;
  options.hf_overrides_json = R"({"tie_word_embeddings": false})";
  expect_refused(Code::kNotFound, "tensor lm_head.weight is missing", options);
}

TEST_F(CausalLmTest, HeadsThatTheKernelsDoNotTakeAreRefused) {
  copy_golden("llama_head80_f32");
  LoadOptions options;
  options.format = LoadFormat::kDummy;
  options.hf_overrides_json = R"({"head_dim": 1024})";
  expect_refused(Code::kInvalidArgument, "512", options);
}

TEST_F(CausalLmTest, ModelLargerThanTheMachineIsRefusedBeforeItIsMade) {
  copy_golden("llama_head80_f32");
  LoadOptions options;
  options.format = LoadFormat::kDummy;
  options.hf_overrides_json =
      R"({"hidden_size": 131072, "intermediate_size": 1048576, "num_hidden_layers": 1024,
          "vocab_size": 16777216})";
  expect_refused(Code::kResourceExhausted, "GiB of memory, this machine has", options);
}

TEST_F(CausalLmTest, KvBeyondTheMachineIsRefused) {
  const auto model = testing::tiny_model(pool_);
  const Status status = model->allocate_kv(4'000'000'000u, 4096);
  EXPECT_EQ(status.code(), Code::kResourceExhausted);
  EXPECT_THAT(status.message(), HasSubstr("4000000000 KV blocks of 4096 tokens need"));
  EXPECT_EQ(model->allocate_kv(0, 16).code(), Code::kInvalidArgument);
  EXPECT_EQ(model->allocate_kv(4, 0).code(), Code::kInvalidArgument);
  EXPECT_TRUE(model->allocate_kv(4, 16).ok()) << "a refused request leaves the model usable";
  EXPECT_EQ(model->allocate_kv(4, 16).code(), Code::kFailedPrecondition);
}

TEST_F(CausalLmTest, DummyWeightsNeedOnlyConfigAndFollowTheSeed) {
  const std::vector<TokenId> tokens = {1, 5, 200, 31, 8};
  std::vector<std::vector<float>> logits;
  for (const std::uint64_t seed : {1u, 1u, 2u}) {
    const auto model = testing::tiny_model(pool_, {.dtype = "bfloat16", .seed = seed});
    EXPECT_EQ(model->dtype(), DType::kBF16);
    testing::SequenceRunner runner(*model, 16, 1, 16);
    logits.push_back(runner.run(0, tokens, tokens.size()));
  }
  EXPECT_EQ(logits[0], logits[1]);
  EXPECT_NE(logits[0], logits[2]);
  // Different tokens must lead to different winners, or tests over made-up models would prove
  // little.
  std::set<std::uint32_t> winners;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    winners.insert(
        kernels::argmax(kernels::best_isa(), std::span(logits[0]).subspan(i * 257, 257)));
  }
  EXPECT_GE(winners.size(), 3u);
}

TEST_F(CausalLmTest, ASlidingSequenceMayOutgrowTheKvMemory) {
  const testing::TinyModel shape{.architecture = "MistralForCausalLM", .sliding_window = 20};
  std::vector<TokenId> tokens(5000);
  for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<TokenId>(i * 7919 % 257);
  const auto roomy = testing::tiny_model(pool_, shape);
  testing::SequenceRunner runner(*roomy, 16, 1, 5008);
  const std::vector<float> expected = runner.run(0, tokens, 500);

  // Three blocks that take turns hold the 35 positions that a chunk of 16 can see.
  const auto tight = testing::tiny_model(pool_, shape);
  ASSERT_TRUE(tight->allocate_kv(4, 16).ok());
  std::vector<std::uint32_t> table;
  std::vector<float> last(257);
  for (std::uint32_t first = 0; first < tokens.size(); first += 16) {
    table.push_back(1 + first / 16 % 3);
    const auto part =
        std::span(tokens).subspan(first, std::min<std::size_t>(16, tokens.size() - first));
    const auto count = static_cast<std::uint32_t>(part.size());
    const SequenceChunk chunk{.num_tokens = count, .first_position = first, .block_table = table};
    const std::vector<std::uint32_t> rows = {count - 1};
    tight->forward({.tokens = part, .chunks = std::span(&chunk, 1), .logit_rows = rows}, last);
    const std::size_t row = first + count - 1;
    ASSERT_TRUE(std::equal(last.begin(), last.end(),
                           expected.begin() + static_cast<std::ptrdiff_t>(row * 257)))
        << "position " << row;
  }
}

TEST_F(CausalLmTest, SurplusTensorsDoNotMatter) {
  copy_golden("qwen3_untied_f32");
  LoadOptions options;
  options.hf_overrides_json = R"({"tie_word_embeddings": true})";  // lm_head.weight is now surplus
  EXPECT_TRUE(load(folder_.path(), options).ok());
}

// The demo model that ships with the repository (models/demo/README.md).
TEST_F(CausalLmTest, DemoModelLoadsAndIsSure) {
  const fs::path demo = NACELLE_SOURCE_DIR "/models/demo";
  if (!fs::exists(demo / "config.json")) GTEST_SKIP() << demo << " is absent";
  const auto model = load(demo);
  ASSERT_TRUE(model.ok()) << model.error().to_string();
  testing::SequenceRunner runner(**model, 16, 1, 64);
  const std::vector<TokenId> tokens(8, 1);
  const std::vector<float> logits = runner.run(0, tokens, 8);
  const auto stats = kernels::row_stats(kernels::best_isa(), logits);
  EXPECT_TRUE(std::isfinite(stats.log_sum_exp));
  EXPECT_GT(stats.max, 0.0F);
}

}  // namespace
}  // namespace nacelle::model
