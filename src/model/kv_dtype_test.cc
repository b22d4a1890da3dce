// LoadOptions::kv_dtype: 8-bit K and V stay close to the model's own, and follow the checkpoint's
// scales.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/softmax/softmax.h"
#include "kernels/worker_pool.h"
#include "model/testing/safetensors_writer.h"
#include "model/testing/sequence_runner.h"
#include "model/testing/tiny_model.h"

namespace nacelle::model {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

const fs::path kGoldens = NACELLE_TESTDATA "/model/goldens";

class KvDtypeTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<CausalLm>> load(const fs::path& folder, std::optional<DType> kv_dtype) {
    LoadOptions options;
    options.kv_dtype = kv_dtype;
    return CausalLm::load(folder, options, pool_);
  }

  std::vector<float> logits(const fs::path& folder, std::optional<DType> kv_dtype,
                            const std::vector<TokenId>& tokens, std::size_t chunk) {
    Result<std::unique_ptr<CausalLm>> model = load(folder, kv_dtype);
    EXPECT_TRUE(model.ok()) << model.error().to_string();
    testing::SequenceRunner runner(**model, 16, 1, static_cast<std::uint32_t>(tokens.size()));
    return runner.run(0, tokens, chunk);
  }

  // A golden's checkpoint with scales of K and V in a second file.
  void copy_with_scale(const std::string& name, const char* tensor, float scale) {
    for (const auto& entry : fs::directory_iterator(kGoldens / name)) {
      fs::copy_file(entry.path(), folder_.path() / entry.path().filename(),
                    fs::copy_options::overwrite_existing);
    }
    std::string bytes(4, '\0');
    std::memcpy(bytes.data(), &scale, 4);
    testing::SafetensorsWriter writer;
    writer.add(tensor, "F32", {}, bytes);
    // Neither an index nor model.safetensors: all files count.
    fs::rename(folder_.path() / "model.safetensors", folder_.path() / "a.safetensors");
    folder_.write("b.safetensors", writer.file());
  }

  testing::TemporaryFolder folder_;
  kernels::WorkerPool pool_{2};
};

struct Distance {
  double mean_kl = 0;
  double top1_agreement = 0;
};

Distance distance(std::vector<float> expected, std::vector<float> got, std::size_t vocab) {
  Distance result;
  const std::size_t rows = expected.size() / vocab;
  for (std::size_t row = 0; row < rows; ++row) {
    const std::span<const float> a(expected.data() + row * vocab, vocab);
    const std::span<const float> b(got.data() + row * vocab, vocab);
    const float total_a = kernels::row_stats(kernels::best_isa(), a).log_sum_exp;
    const float total_b = kernels::row_stats(kernels::best_isa(), b).log_sum_exp;
    for (std::size_t i = 0; i < vocab; ++i) {
      const double log_a = double{a[i]} - total_a;
      result.mean_kl += std::exp(log_a) * (log_a - (double{b[i]} - total_b));
    }
    const bool same = std::max_element(a.begin(), a.end()) - a.begin() ==
                      std::max_element(b.begin(), b.end()) - b.begin();
    result.top1_agreement += same ? 1.0 : 0.0;
  }
  result.mean_kl /= static_cast<double>(rows);
  result.top1_agreement /= static_cast<double>(rows);
  return result;
}

TEST_F(KvDtypeTest, DemoModelStaysCloseToItsOwnDtype) {
  const fs::path demo = NACELLE_SOURCE_DIR "/models/demo";
  if (!fs::exists(demo / "config.json")) GTEST_SKIP() << demo << " is absent";
  Result<std::unique_ptr<CausalLm>> model = load(demo, std::nullopt);
  ASSERT_TRUE(model.ok()) << model.error().to_string();
  const std::size_t vocab = (*model)->config().vocab_size;
  // What the model itself says after some tokens, so that it is sure of itself as in use.
  testing::SequenceRunner runner(**model, 16, 1, 400);
  std::vector<TokenId> tokens = {1, 40, 200, 77, 5, 130};
  std::vector<float> last = runner.run(0, tokens, tokens.size());
  while (tokens.size() < 300) {
    const auto row = last.end() - static_cast<std::ptrdiff_t>(vocab);
    // Now and then the second best, so that it does not go round in circles.
    const auto best = std::max_element(row, last.end());
    if (tokens.size() % 13 == 0) *best = -1e30F;
    tokens.push_back(static_cast<TokenId>(std::max_element(row, last.end()) - row));
    last = runner.run(0, std::span(tokens).last(1), 1);
  }
  const std::vector<float> expected = logits(demo, std::nullopt, tokens, tokens.size());
  struct Case {
    DType dtype;
    double most_kl;
    double least_agreement;
  };
  for (const Case& c : {Case{DType::kF8E4M3, 2e-2, 0.95}, Case{DType::kI8, 2e-3, 0.98}}) {
    const Distance gap = distance(expected, logits(demo, c.dtype, tokens, tokens.size()), vocab);
    RecordProperty(fmt::format("mean_kl_{}", to_string(c.dtype)), std::to_string(gap.mean_kl));
    EXPECT_GT(gap.mean_kl, 0.0) << to_string(c.dtype);
    EXPECT_LT(gap.mean_kl, c.most_kl) << to_string(c.dtype);
    EXPECT_GE(gap.top1_agreement, c.least_agreement) << to_string(c.dtype);
  }
}

TEST_F(KvDtypeTest, ChunkingDoesNotShow) {
  std::vector<TokenId> tokens(300);
  for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<TokenId>(i * 7 % 250);
  const fs::path folder = kGoldens / "qwen3_untied_f32";
  for (const DType dtype : {DType::kF8E4M3, DType::kI8}) {
    const std::vector<float> whole = logits(folder, dtype, tokens, tokens.size());
    for (const std::size_t chunk : {std::size_t{1}, std::size_t{70}}) {
      const std::vector<float> got = logits(folder, dtype, tokens, chunk);
      EXPECT_EQ(std::memcmp(got.data(), whole.data(), whole.size() * sizeof(float)), 0)
          << to_string(dtype) << " chunks of " << chunk;
    }
  }
}

TEST_F(KvDtypeTest, EightBitsTakeHalfTheMemory) {
  const fs::path folder = kGoldens / "mistral_head128_bf16";
  const auto own = load(folder, std::nullopt);
  const auto fp8 = load(folder, DType::kF8E4M3);
  const auto int8 = load(folder, DType::kI8);
  ASSERT_TRUE(own.ok() && fp8.ok() && int8.ok());
  const std::size_t bytes = (*own)->kv_bytes_per_block(16);
  EXPECT_EQ((*fp8)->kv_bytes_per_block(16), bytes / 2);
  // And a scale of 4 bytes beside 128 values.
  EXPECT_EQ((*int8)->kv_bytes_per_block(16), bytes / 2 + bytes / 2 * 4 / 128);
}

TEST_F(KvDtypeTest, ScalesOfTheCheckpointAreUsed) {
  const std::string name = "qwen3_untied_f32";
  const std::string tensor = "model.layers.0.self_attn.v_scale";
  std::vector<TokenId> tokens(40);
  for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<TokenId>(i * 5 % 250);
  const auto run = [&](const fs::path& folder, std::optional<DType> dtype) {
    return logits(folder, dtype, tokens, tokens.size());
  };
  const std::vector<float> unscaled = run(kGoldens / name, DType::kF8E4M3);
  const std::vector<float> own = run(kGoldens / name, std::nullopt);
  copy_with_scale(name, tensor.c_str(), 0.3F);
  EXPECT_NE(run(folder_.path(), DType::kF8E4M3), unscaled);
  EXPECT_EQ(run(folder_.path(), std::nullopt), own);
  // Everything below 2^-10 * scale is lost.
  copy_with_scale(name, tensor.c_str(), 1e6F);
  EXPECT_NE(run(folder_.path(), DType::kF8E4M3), unscaled);

  copy_with_scale(name, tensor.c_str(), -1.0F);
  const auto refused = load(folder_.path(), DType::kF8E4M3);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Code::kInvalidArgument);
  EXPECT_THAT(refused.error().message(), HasSubstr(tensor));
  EXPECT_THAT(refused.error().message(), HasSubstr("-1"));
}

TEST_F(KvDtypeTest, RefusesWhatKvCannotBe) {
  const auto refused = load(kGoldens / "qwen3_untied_f32", DType::kI32);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Code::kInvalidArgument);
  EXPECT_THAT(refused.error().message(), HasSubstr("int32"));
}

}  // namespace
}  // namespace nacelle::model
