// The result of a row depends on its own sequence only, bit for bit (causal_lm.h), for every pair
// of weight and KV formats: alone, in chunks, in a batch of 32, after a prefix hit, and with a
// prefix so long that attention reads it once for all (cascade) or splits it between threads.
// causal_lm_invariance_test.cc has more ways and the model families, in 16 and 32 bits.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "kernels/attention/attention_plan.h"
#include "kernels/isa.h"
#include "kernels/worker_pool.h"
#include "model/testing/tiny_model.h"

namespace nacelle::model {
namespace {

constexpr std::uint32_t kBlock = 16;
constexpr std::uint32_t kPrefix = 528;  // two parts of attention and a bit, whole blocks
constexpr std::uint32_t kPrompt = 560;
constexpr std::uint32_t kLength = 568;  // the rest is fed token by token
constexpr std::size_t kStreams = 32;
constexpr std::size_t kThreads = 4;
const testing::TinyModel kShape = {.hidden_size = 64,
                                   .num_heads = 4,
                                   .num_kv_heads = 2,
                                   .head_dim = 32,
                                   .intermediate_size = 96,
                                   .dtype = "bfloat16"};

struct Case {
  std::string isa;
  const char* weights;
  std::optional<DType> kv;
};

std::vector<Case> cases() {
  std::vector<Case> out;
  for (const kernels::Isa isa : {kernels::best_isa(), kernels::Isa::kAvx2}) {
    if (!kernels::is_supported(isa)) continue;
    if (isa == kernels::best_isa() && !out.empty()) continue;
    for (const char* weights : {"", "int8", "int4-g32"}) {
      for (const std::optional<DType> kv :
           {std::optional<DType>(), std::optional(DType::kF8E4M3), std::optional(DType::kI8)}) {
        out.push_back({std::string(kernels::to_string(isa)), weights, kv});
      }
    }
  }
  return out;
}

std::vector<TokenId> random_tokens(std::uint32_t seed, std::size_t count) {
  std::mt19937 random(seed);
  std::vector<TokenId> tokens(count);
  for (TokenId& token : tokens) token = static_cast<TokenId>(random() % kShape.vocab_size);
  return tokens;
}

// A sequence and its blocks.
struct Stream {
  std::vector<TokenId> tokens;
  std::vector<std::uint32_t> table;
  std::uint32_t fed = 0;
};

// A model with memory for all streams of a test, and what an engine does with it.
class Lab {
 public:
  Lab(const Case& c, kernels::WorkerPool& pool) {
    testing::TinyModel shape = kShape;
    shape.quantization = c.weights;
    shape.kv_dtype = c.kv;
    model_ = testing::tiny_model(pool, shape, c.isa);
    CHECK(model_->allocate_kv(2 + kStreams * (kLength / kBlock + 1), kBlock).ok());
  }

  // A stream whose first tokens, `shared` of them, are in the blocks of another.
  Stream open(std::vector<TokenId> tokens, const Stream* of = nullptr, std::uint32_t shared = 0) {
    Stream stream{.tokens = std::move(tokens), .fed = shared};
    for (std::uint32_t at = 0; at < stream.tokens.size(); at += kBlock) {
      stream.table.push_back(at < shared ? of->table[at / kBlock] : next_block_++);
    }
    return stream;
  }

  // Feeds some tokens of each stream in one pass; the logits of the last one of each.
  std::vector<std::vector<float>> step(
      const std::vector<std::pair<Stream*, std::uint32_t>>& feeds) {
    std::vector<TokenId> tokens;
    std::vector<SequenceChunk> chunks;
    std::vector<std::uint32_t> rows;
    for (const auto& [stream, count] : feeds) {
      chunks.push_back({.first_row = static_cast<std::uint32_t>(tokens.size()),
                        .num_tokens = count,
                        .first_position = stream->fed,
                        .block_table = stream->table});
      const auto begin = stream->tokens.begin() + stream->fed;
      tokens.insert(tokens.end(), begin, begin + count);
      stream->fed += count;
      rows.push_back(static_cast<std::uint32_t>(tokens.size() - 1));
    }
    const std::size_t vocab = model_->config().vocab_size;
    std::vector<float> logits(rows.size() * vocab);
    model_->forward({.tokens = tokens, .chunks = chunks, .logit_rows = rows}, logits);
    std::vector<std::vector<float>> out;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto row = logits.begin() + static_cast<std::ptrdiff_t>(i * vocab);
      out.emplace_back(row, row + static_cast<std::ptrdiff_t>(vocab));
    }
    return out;
  }

  // The logits from the end of the prompt on, tokens one by one.
  std::vector<float> finish(Stream& stream, std::uint32_t chunk) {
    std::vector<float> all;
    while (stream.fed < stream.tokens.size()) {
      const std::uint32_t left = stream.fed < kPrompt ? kPrompt - stream.fed : 1;
      const std::vector<float> last = step({{&stream, std::min(chunk, left)}})[0];
      if (stream.fed >= kPrompt) all.insert(all.end(), last.begin(), last.end());
    }
    return all;
  }

 private:
  std::unique_ptr<CausalLm> model_;
  std::uint32_t next_block_ = 1;
};

class FormatInvariance : public ::testing::TestWithParam<Case> {
 protected:
  static void expect_same_bits(const std::vector<float>& a, const std::vector<float>& b,
                               const std::string& what) {
    ASSERT_EQ(a.size(), b.size()) << what;
    EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size() * sizeof(float)), 0) << what;
  }

  // Alone, the prompt at once, on one thread.
  std::vector<float> alone() {
    Lab lab(GetParam(), one_);
    Stream stream = lab.open(tokens_);
    return lab.finish(stream, kPrompt);
  }

  const std::vector<TokenId> tokens_ = random_tokens(1, kLength);
  kernels::WorkerPool one_{1}, many_{kThreads};
};

TEST_P(FormatInvariance, ChunksAndThreadsDoNotShow) {
  const std::vector<float> expected = alone();
  for (const std::uint32_t chunk : {kPrompt, 17u, 256u}) {
    Lab lab(GetParam(), many_);
    Stream stream = lab.open(tokens_);
    expect_same_bits(lab.finish(stream, chunk), expected, fmt::format("chunks of {}", chunk));
  }
}

TEST_P(FormatInvariance, ABatchOf32DoesNotShow) {
  const std::vector<float> expected = alone();
  Lab lab(GetParam(), many_);
  std::vector<Stream> streams = {lab.open(tokens_)};
  while (streams.size() < kStreams) {
    const auto i = static_cast<std::uint32_t>(streams.size());
    streams.push_back(lab.open(random_tokens(100 + i, 20 + 5 * i)));
  }
  // The first pass is all prompts, but for the last tokens; others end before the first one does.
  std::vector<std::pair<Stream*, std::uint32_t>> feeds;
  for (Stream& stream : streams) {
    const auto most = static_cast<std::uint32_t>(stream.tokens.size()) - 6;
    feeds.emplace_back(&stream, std::min(kPrompt, most));
  }
  std::vector<float> got = lab.step(feeds)[0];
  while (streams[0].fed < kLength) {
    feeds.clear();
    for (Stream& stream : streams) {
      if (stream.fed < stream.tokens.size()) feeds.emplace_back(&stream, 1);
    }
    const std::vector<float> row = lab.step(feeds)[0];
    got.insert(got.end(), row.begin(), row.end());
  }
  expect_same_bits(got, expected, "the first of 32");
}

TEST_P(FormatInvariance, APrefixHitDoesNotShow) {
  const std::vector<float> expected = alone();
  Lab lab(GetParam(), many_);
  Stream first = lab.open({tokens_.begin(), tokens_.begin() + kPrefix});
  lab.step({{&first, kPrefix}});
  Stream second = lab.open(tokens_, &first, kPrefix);
  expect_same_bits(lab.finish(second, kPrompt), expected, "after the prefix of another");
}

TEST_P(FormatInvariance, APrefixThatManyShareDoesNotShow) {
  const std::vector<float> expected = alone();
  Lab lab(GetParam(), many_);
  Stream first = lab.open({tokens_.begin(), tokens_.begin() + kPrefix});
  lab.step({{&first, kPrefix}});
  std::vector<Stream> streams = {lab.open(tokens_, &first, kPrefix)};
  while (streams.size() < kStreams) {
    std::vector<TokenId> tokens = tokens_;
    const std::vector<TokenId> own =
        random_tokens(200 + static_cast<std::uint32_t>(streams.size()), kLength - kPrefix);
    std::copy(own.begin(), own.end(), tokens.begin() + kPrefix);
    streams.push_back(lab.open(std::move(tokens), &first, kPrefix));
  }
  std::vector<float> got;
  while (streams[0].fed < kLength) {  // all are decodes that share two parts
    std::vector<std::pair<Stream*, std::uint32_t>> feeds;
    for (Stream& stream : streams) feeds.emplace_back(&stream, 1);
    const std::vector<float> row = lab.step(feeds)[0];
    if (streams[0].fed >= kPrompt) got.insert(got.end(), row.begin(), row.end());
  }
  expect_same_bits(got, expected, "the first of 32 with one prefix");
}

INSTANTIATE_TEST_SUITE_P(All, FormatInvariance, ::testing::ValuesIn(cases()), [](const auto& info) {
  std::string name = fmt::format("{}_{}_kv_{}", info.param.isa,
                                 *info.param.weights == '\0' ? "bf16" : info.param.weights,
                                 info.param.kv ? to_string(*info.param.kv) : "bf16");
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

// The sequences above are long enough for attention to be cut by part, and shared parts to be read
// once.
TEST(FormatInvarianceShapes, AreSplitAndShared) {
  const kernels::KvLayout layout{2000, kBlock, kShape.num_kv_heads, kShape.head_dim, DType::kBF16};
  std::vector<std::vector<std::uint32_t>> tables(kStreams);
  std::vector<kernels::AttentionSequence> batch;
  for (std::uint32_t i = 0; i < kStreams; ++i) {
    for (std::uint32_t at = 0; at < kPrompt; at += kBlock) {
      tables[i].push_back(at < kPrefix ? at / kBlock : 100 + i * 50 + at / kBlock);
    }
    batch.push_back({i, 1, kPrompt, tables[i]});
  }
  kernels::AttentionPlan plan;
  plan.make(layout, {batch.data(), 1}, kShape.num_heads, 0, kThreads);
  EXPECT_GT(plan.tasks().size(), kShape.num_kv_heads) << "one decode is split over its context";
  EXPECT_FALSE(plan.merges().empty());
  plan.make(layout, batch, kShape.num_heads, 0, kThreads);
  EXPECT_TRUE(std::any_of(plan.tasks().begin(), plan.tasks().end(), [](const auto& task) {
    return task.num_queries > 1;
  })) << "a shared part is read for several sequences";
}

}  // namespace
}  // namespace nacelle::model
