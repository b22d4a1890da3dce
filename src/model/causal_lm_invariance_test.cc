// The result of a row depends on its own sequence only, bit for bit (causal_lm.h).
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "kernels/isa.h"
#include "kernels/worker_pool.h"
#include "model/testing/sequence_runner.h"
#include "model/testing/tiny_model.h"

namespace nacelle::model {
namespace {

using testing::Feed;
using testing::SequenceRunner;

struct Case {
  const char* name;
  testing::TinyModel shape;
  std::string isa;
};

// Every shape on this machine's best instruction set, two of them on the others.
std::vector<Case> cases() {
  const std::vector<Case> shapes = {
      {"llama_f32", {}},
      {"llama_bf16", {.hidden_size = 48, .num_kv_heads = 1, .head_dim = 32, .dtype = "bfloat16"}},
      {"llama_f16", {.num_kv_heads = 4, .head_dim = 48, .dtype = "float16"}},
      {"mistral_window_f32",
       {.architecture = "MistralForCausalLM",
        .num_heads = 8,
        .num_kv_heads = 1,
        .sliding_window = 21}},
      {"mistral_window_bf16",
       {.architecture = "MistralForCausalLM", .sliding_window = 70, .dtype = "bfloat16"}},
      {"qwen2_bf16",
       {.architecture = "Qwen2ForCausalLM",
        .num_heads = 2,
        .num_kv_heads = 1,
        .head_dim = 128,
        .dtype = "bfloat16"}},
      {"qwen3_f32",
       {.architecture = "Qwen3ForCausalLM", .vocab_size = 1009, .num_heads = 2, .head_dim = 80}},
  };
  std::vector<Case> all;
  for (const kernels::Isa isa : kernels::supported_isas()) {
    const std::size_t count = isa == kernels::best_isa() ? shapes.size() : 2;
    for (std::size_t i = 0; i < count; ++i) {
      all.push_back({shapes[i].name, shapes[i].shape, std::string(kernels::to_string(isa))});
    }
  }
  return all;
}

// Long enough for three tiles of the attention kernel.
constexpr std::uint32_t kLength = 150;

class InvarianceTest : public ::testing::TestWithParam<Case> {
 protected:
  std::unique_ptr<CausalLm> model(kernels::WorkerPool& pool) const {
    return testing::tiny_model(pool, GetParam().shape, GetParam().isa);
  }

  std::vector<TokenId> random_tokens(std::uint32_t seed, std::size_t count) const {
    std::mt19937 random(seed);
    std::vector<TokenId> tokens(count);
    const std::uint32_t vocab = GetParam().shape.vocab_size;
    for (TokenId& token : tokens) token = static_cast<TokenId>(random() % vocab);
    return tokens;
  }

  // Logits of every position, the whole prompt at once, blocks of 16, one thread.
  std::vector<float> whole(const std::vector<TokenId>& tokens) const {
    kernels::WorkerPool pool(1);
    const auto lm = model(pool);
    SequenceRunner runner(*lm, 16, 1, kLength);
    return runner.run(0, tokens, tokens.size());
  }

  static void expect_same_bits(const std::vector<float>& a, const std::vector<float>& b,
                               const std::string& what) {
    ASSERT_EQ(a.size(), b.size()) << what;
    EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size() * sizeof(float)), 0) << what;
  }

  kernels::WorkerPool pool_{2};
};

TEST_P(InvarianceTest, ChunksBlockSizesAndThreadsDoNotShow) {
  const std::vector<TokenId> tokens = random_tokens(1, kLength);
  const std::vector<float> expected = whole(tokens);
  struct Way {
    std::size_t chunk;
    std::uint32_t block_size;
  };
  for (const Way way :
       {Way{kLength, 16}, {1, 16}, {7, 8}, {64, 16}, {33, 1}, {100, 5}, {kLength, 256}}) {
    const auto lm = model(pool_);
    SequenceRunner runner(*lm, way.block_size, 1, kLength, 99);
    expect_same_bits(runner.run(0, tokens, way.chunk), expected,
                     fmt::format("chunks of {}, blocks of {}", way.chunk, way.block_size));
  }
}

TEST_P(InvarianceTest, OtherSequencesInTheBatchDoNotShow) {
  constexpr std::uint32_t kSequences = 5;
  std::vector<std::vector<TokenId>> tokens;
  std::vector<std::vector<float>> expected, got(kSequences);
  for (std::uint32_t i = 0; i < kSequences; ++i) {
    tokens.push_back(random_tokens(10 + i, kLength - 17 * i));
    expected.push_back(whole(tokens.back()));
  }
  const auto lm = model(pool_);
  const std::size_t vocab = lm->config().vocab_size;
  SequenceRunner runner(*lm, 16, kSequences, kLength);
  std::mt19937 random(5);
  std::vector<std::size_t> fed(kSequences, 0);
  for (bool more = true; more;) {
    more = false;
    std::vector<Feed> feeds;
    for (std::uint32_t i = 0; i < kSequences; ++i) {
      const std::size_t left = tokens[i].size() - fed[i];
      // Some sequences sit a step out; others bring one token or a chunk.
      const std::size_t count = random() % 3 == 0 ? 0 : random() % 2 == 0 ? 1 : random() % 40;
      if (left > 0) more = true;
      if (std::min(left, count) == 0) continue;
      const auto begin = tokens[i].begin() + static_cast<std::ptrdiff_t>(fed[i]);
      feeds.push_back(
          {.sequence = i,
           .tokens = {begin, begin + static_cast<std::ptrdiff_t>(std::min(left, count))}});
      fed[i] += feeds.back().tokens.size();
    }
    const std::vector<float> logits = runner.step(feeds);
    auto from = logits.begin();
    for (const Feed& feed : feeds) {
      const auto to = from + static_cast<std::ptrdiff_t>(feed.tokens.size() * vocab);
      got[feed.sequence].insert(got[feed.sequence].end(), from, to);
      from = to;
    }
  }
  for (std::uint32_t i = 0; i < kSequences; ++i) {
    expect_same_bits(got[i], expected[i], fmt::format("sequence {}", i));
  }
}

TEST_P(InvarianceTest, WhichLogitsAreAskedForDoesNotShow) {
  const std::vector<TokenId> tokens = random_tokens(3, 90);
  const std::vector<float> expected = whole(tokens);
  const auto lm = model(pool_);
  const std::size_t vocab = lm->config().vocab_size;
  SequenceRunner runner(*lm, 16, 1, kLength);
  // The first chunk asks for nothing: its K and V must be complete all the same.
  const Feed silent{
      .sequence = 0, .tokens = {tokens.begin(), tokens.begin() + 40}, .all_logits = false};
  EXPECT_TRUE(runner.step(std::span(&silent, 1)).empty());
  const std::vector<float> rest = runner.run(0, std::span(tokens).subspan(40), tokens.size() - 40);
  expect_same_bits(rest,
                   {expected.begin() + static_cast<std::ptrdiff_t>(40 * vocab), expected.end()},
                   "after a chunk without logits");

  const auto again = model(pool_);
  std::vector<std::uint32_t> table(8);
  for (std::uint32_t i = 0; i < table.size(); ++i) table[i] = 8 - i;
  ASSERT_TRUE(again->allocate_kv(9, 16).ok());
  const SequenceChunk chunk{.num_tokens = 90, .block_table = table};
  const std::vector<std::uint32_t> rows = {0, 41, 42, 89};
  std::vector<float> some(rows.size() * vocab);
  again->forward({.tokens = tokens, .chunks = std::span(&chunk, 1), .logit_rows = rows}, some);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(std::memcmp(some.data() + i * vocab, expected.data() + rows[i] * vocab,
                          vocab * sizeof(float)),
              0)
        << rows[i];
  }
}

TEST_P(InvarianceTest, AReusedPrefixGivesTheSameBits) {
  // Two sequences share the blocks of a prefix that a third one computed.
  const std::vector<TokenId> tokens = random_tokens(4, 96);
  const std::vector<float> expected = whole(tokens);
  const auto lm = model(pool_);
  const std::size_t vocab = lm->config().vocab_size;
  ASSERT_TRUE(lm->allocate_kv(12, 16).ok());
  const std::vector<std::uint32_t> first = {5, 3, 9, 1}, second = {5, 3, 9, 7, 8, 2};
  const SequenceChunk prefix{.num_tokens = 48, .block_table = first};
  lm->forward({.tokens = std::span(tokens).first(48), .chunks = std::span(&prefix, 1)}, {});
  const SequenceChunk rest{.num_tokens = 48, .first_position = 48, .block_table = second};
  const std::vector<std::uint32_t> rows = {47};
  std::vector<float> last(vocab);
  lm->forward(
      {.tokens = std::span(tokens).subspan(48), .chunks = std::span(&rest, 1), .logit_rows = rows},
      last);
  EXPECT_EQ(std::memcmp(last.data(), expected.data() + 95 * vocab, vocab * sizeof(float)), 0);
}

INSTANTIATE_TEST_SUITE_P(All, InvarianceTest, ::testing::ValuesIn(cases()), [](const auto& info) {
  return fmt::format("{}_on_{}", info.param.name, info.param.isa);
});

}  // namespace
}  // namespace nacelle::model
