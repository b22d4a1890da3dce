// Formulas against numbers worked out by hand and against counting one by one.
#include "yardstick/work.h"

#include <gtest/gtest.h>

#include "yardstick/dummy_model.h"

namespace nacelle::yardstick {
namespace {

using kernels::WeightFormat;

TEST(Work, GemmOfHandComputedSize) {
  // 2 * 3 * 128 * 10; weight 2 * 1280, x 2 * 3 * 128, out 4 * 3 * 10.
  EXPECT_EQ(gemm_work(WeightFormat::kBF16, 3, 128, 10), (Work{7680, 2560 + 768 + 120}));
  // int8: a byte each and a scale of four bytes per row.
  EXPECT_EQ(gemm_work(WeightFormat::kInt8, 3, 128, 10), (Work{7680, 1280 + 40 + 768 + 120}));
  // int4: half a byte each and a scale of four bytes per 128.
  EXPECT_EQ(gemm_work(WeightFormat::kInt4, 3, 128, 10), (Work{7680, 640 + 40 + 768 + 120}));
  // silu(gate) * up leaves half the columns, as bf16.
  EXPECT_EQ(gemm_silu_mul_work(WeightFormat::kBF16, 3, 128, 10), (Work{7680, 2560 + 768 + 30}));
}

TEST(Work, AttentionCountsTheKeysThatEachQuerySees) {
  const AttentionShape shape{.heads = 4, .kv_heads = 2, .head_dim = 8};
  const Span spans[] = {{.queries = 3, .context = 10}, {.queries = 1, .context = 5}};
  double keys = 0;
  for (const Span& span : spans) {
    for (std::uint32_t p = span.context - span.queries; p < span.context; ++p) keys += p + 1;
  }
  ASSERT_EQ(keys, 8 + 9 + 10 + 5);
  const Work work = attention_work(shape, spans);
  EXPECT_EQ(work.operations, 2 * 2 * 4 * 8 * keys);  // q . k and p . v of each head
  EXPECT_EQ(work.bytes, 15 * 2 * 2 * 8 * 2 + 4 * 4 * 8 * (4 + 2));
}

TEST(Work, AttentionCountsSharedPositionsOnceAndKvInItsFormat) {
  const AttentionShape shape{.heads = 4, .kv_heads = 2, .head_dim = 8};
  EXPECT_EQ(kv_bytes(shape, DType::kBF16), 2 * 2 * 8 * 2);
  EXPECT_EQ(kv_bytes(shape, DType::kF8E4M3), 2 * 2 * 8);
  EXPECT_EQ(kv_bytes(shape, DType::kI8), 2 * 2 * (8 + 4));
  const Span spans[] = {{.queries = 1, .context = 12}, {.queries = 1, .context = 10}};
  const Work alone = attention_work(shape, spans);
  const Work shared = attention_work(shape, spans, {.dtype = DType::kF8E4M3, .shared = 8});
  EXPECT_EQ(shared.operations, alone.operations);
  EXPECT_EQ(shared.bytes, (8 + 4 + 2) * 2 * 2 * 8 + 2 * 4 * 8 * (4 + 2));
}

TEST(Work, RowOpsCountEachValue) { EXPECT_EQ(row_work(10, {3, 8}), (Work{30, 80})); }

constexpr const char* kTiny = R"({
  "architectures": ["LlamaForCausalLM"], "hidden_size": 4, "intermediate_size": 6,
  "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 2,
  "vocab_size": 10, "max_position_embeddings": 64, "rope_theta": 10000.0, "rms_norm_eps": 1e-6,
  "tie_word_embeddings": true, "dtype": "bfloat16"})";

TEST(Work, ModelCountsWhatTheLogitsNeed) {
  const auto config = model::ModelConfig::parse(kTiny);
  ASSERT_TRUE(config.ok());
  const Span prompt{.queries = 3, .context = 3};
  // q, k and v: 4 x 8 weights; o: 4 x 4; gate, up, down: 3 x 24.
  const double layer = 32 + 16 + 72;
  const double first = 2 * 3 * layer + 4 * 4 * (1 + 2 + 3);
  const double last = 2 * 3 * 32 + 2 * (16 + 72) + 4 * 4 * 3;
  const Work work = model_work(*config, WeightFormat::kBF16, {&prompt, 1});
  EXPECT_EQ(work.operations, first + last + 2 * 4 * 10);
  // Weights, LM head, three rows of the embedding, K and V of three tokens in two layers.
  EXPECT_EQ(work.bytes, 2 * (2 * layer + 40) + 3 * 4 * 2 + 2 * 3 * 2 * 2 * 2);
}

TEST(Work, DecodeOfOneTokenTouchesEveryWeightOnce) {
  const auto config = model::ModelConfig::parse(kQwen3Small.config_json);
  ASSERT_TRUE(config.ok());
  const Span token{.queries = 1, .context = 256};
  const Work work = model_work(*config, WeightFormat::kBF16, {&token, 1});
  // All parameters but the norms of hidden size: two a layer and one at the end.
  const double weights = static_cast<double>(config->num_parameters()) - 28 * 2 * 1024 - 1024;
  const double kv = 28.0 * 2 * 8 * 128 * 256;
  EXPECT_EQ(work.bytes, 2 * (weights + kv + 1024));
  EXPECT_EQ(work.operations, 2 * weights + 28 * 4.0 * 2048 * 256);
}

TEST(Work, AnInt4ModelReadsItsHeadAsInt8) {
  const auto config = model::ModelConfig::parse(kQwen3Small.config_json);
  ASSERT_TRUE(config.ok());
  const Span token{.queries = 1, .context = 256};
  const double layers =
      static_cast<double>(config->num_parameters()) - 28 * 2 * 1024 - 1024 - 151936.0 * 1024;
  const double others = 2.0 * (28.0 * 2 * 8 * 128 * 256 + 1024);  // K, V and a row of the embedding
  const double head = 151936.0 * (1024 + 4);
  EXPECT_EQ(model_work(*config, WeightFormat::kInt4, {&token, 1}).bytes,
            layers * (0.5 + 4.0 / 128) + head + others);
  const double rows = 28.0 * (4096 + 1024 + 6144 + 1024);
  EXPECT_EQ(model_work(*config, WeightFormat::kInt8, {&token, 1}).bytes,
            layers + 4 * rows + head + others);
}

// What is counted is what is loaded, whatever the loader decides about the head. No panel of these
// extents is padded; an int8 column also stores the sum of its values, 4 bytes.
TEST(Work, CountsTheWeightBytesOfALoadedModel) {
  constexpr ModelShape kSmall = {"small", R"({
    "architectures": ["LlamaForCausalLM"], "hidden_size": 256, "intermediate_size": 512,
    "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 64,
    "vocab_size": 4096, "max_position_embeddings": 64, "rope_theta": 10000.0,
    "rms_norm_eps": 1e-6, "tie_word_embeddings": true, "dtype": "bfloat16"})"};
  const auto config = model::ModelConfig::parse(kSmall.config_json);
  ASSERT_TRUE(config.ok());
  kernels::WorkerPool pool(1);
  const Lab lab{pool, kernels::best_isa(), nullptr};
  for (const auto format : {WeightFormat::kBF16, WeightFormat::kInt8, WeightFormat::kInt4}) {
    const auto model = load_dummy(lab, kSmall, format);
    ASSERT_TRUE(model.ok()) << model.error().to_string();
    const double norms = 4.0 * (2 * 2 + 1) * 256;
    const double table = 2.0 * 4096 * 256;  // the embedding, of which a step reads a row
    const double loaded = static_cast<double>((*model)->weight_bytes()) - norms - table;
    const Span token{.queries = 1, .context = 1};
    const double counted = model_work(*config, format, {&token, 1}).bytes - 2.0 * 256 -
                           2 * 2 * 2.0 * 128;  // without the row of the embedding, K and V
    EXPECT_LE(counted, loaded) << to_string(format);
    EXPECT_GE(counted, 0.98 * loaded) << to_string(format);
  }
}

}  // namespace
}  // namespace nacelle::yardstick
