// Compares tiny models of every family with what Hugging Face transformers computed for them
// (tools/goldens/model.py). Tolerances: 1e-4 in f32 is a few hundred roundings of log-probabilities
// near 5; 2e-2 in 16 bits leaves room for the reference's own rounding of scores, residuals and
// logits, which the golden maker bounds by 1.2e-2 against its f32 result.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/softmax/softmax.h"
#include "kernels/worker_pool.h"
#include "model/safetensors.h"
#include "model/testing/sequence_runner.h"

namespace nacelle::model {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kBlockSize = 16;

struct Golden {
  std::vector<TokenId> prompt, continuation;
  std::vector<std::int32_t> positions;
  std::vector<float> rows_f32, chosen_f32;
  std::vector<float> rows_native, chosen_native;  // empty for an f32 checkpoint
};

template <class T>
std::vector<T> values(const SafetensorsFile& file, std::string_view name) {
  const TensorInfo* tensor = file.find(name);
  if (tensor == nullptr) return {};
  const std::span<const std::byte> bytes = file.bytes(*tensor);
  std::vector<T> out(bytes.size() / sizeof(T));
  std::memcpy(out.data(), bytes.data(), bytes.size());
  return out;
}

Golden read_golden(const fs::path& folder) {
  Result<SafetensorsFile> file = SafetensorsFile::open(folder / "golden.safetensors");
  EXPECT_TRUE(file.ok()) << file.error().to_string();
  return {.prompt = values<TokenId>(*file, "prompt"),
          .continuation = values<TokenId>(*file, "continuation"),
          .positions = values<std::int32_t>(*file, "positions"),
          .rows_f32 = values<float>(*file, "rows_f32"),
          .chosen_f32 = values<float>(*file, "chosen_f32"),
          .rows_native = values<float>(*file, "rows_native"),
          .chosen_native = values<float>(*file, "chosen_native")};
}

std::vector<std::string> golden_folders() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(NACELLE_TESTDATA "/model/goldens")) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

struct Case {
  std::string folder;
  std::string isa;
};

class GoldenTest : public ::testing::TestWithParam<Case> {
 protected:
  fs::path folder() const {
    return fs::path(NACELLE_TESTDATA "/model/goldens") / GetParam().folder;
  }

  std::unique_ptr<CausalLm> load(std::optional<DType> dtype) {
    LoadOptions options;
    options.dtype = dtype;
    options.isa = GetParam().isa;
    Result<std::unique_ptr<CausalLm>> model = CausalLm::load(folder(), options, pool_);
    EXPECT_TRUE(model.ok()) << model.error().to_string();
    return model.ok() ? std::move(*model) : nullptr;
  }

  // Largest distance of log-probabilities from the golden, over whole rows and chosen tokens.
  float distance(CausalLm& model, const Golden& golden, const std::vector<float>& rows,
                 const std::vector<float>& chosen) {
    std::vector<TokenId> tokens = golden.prompt;
    tokens.insert(tokens.end(), golden.continuation.begin(), golden.continuation.end() - 1);
    testing::SequenceRunner runner(model, kBlockSize, 1, static_cast<std::uint32_t>(tokens.size()));
    std::vector<float> logits = runner.run(0, tokens, tokens.size());
    const std::size_t vocab = model.config().vocab_size;
    EXPECT_EQ(rows.size(), golden.positions.size() * vocab);
    EXPECT_EQ(chosen.size(), tokens.size());
    tokens.push_back(golden.continuation.back());
    float largest = 0.0F;
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      const std::span<float> row(logits.data() + i * vocab, vocab);
      const float total = kernels::row_stats(kernels::best_isa(), row).log_sum_exp;
      for (float& value : row) value -= total;
      largest = std::max(largest, std::abs(row[tokens[i + 1]] - chosen[i]));
    }
    for (std::size_t r = 0; r < golden.positions.size(); ++r) {
      for (std::size_t i = 0; i < vocab; ++i) {
        const float ours = logits[golden.positions[r] * vocab + i];
        const float gap = std::abs(ours - rows[r * vocab + i]);
        largest = gap <= largest ? largest : gap;  // a NaN is taken over
      }
    }
    return largest;
  }

  kernels::WorkerPool pool_{2};
};

TEST_P(GoldenTest, LogProbabilitiesInF32AgreeWithTransformers) {
  const Golden golden = read_golden(folder());
  const std::unique_ptr<CausalLm> model = load(DType::kF32);
  ASSERT_NE(model, nullptr);
  const float largest = distance(*model, golden, golden.rows_f32, golden.chosen_f32);
  RecordProperty("largest_difference", std::to_string(largest));
  EXPECT_LE(largest, 1e-4F);
}

TEST_P(GoldenTest, LogProbabilitiesInTheCheckpointsDtypeAgreeWithTransformers) {
  const Golden golden = read_golden(folder());
  const std::unique_ptr<CausalLm> model = load(std::nullopt);
  ASSERT_NE(model, nullptr);
  if (golden.rows_native.empty()) {
    EXPECT_EQ(model->dtype(), DType::kF32);
    return;
  }
  EXPECT_NE(model->dtype(), DType::kF32);
  const float largest = distance(*model, golden, golden.rows_native, golden.chosen_native);
  RecordProperty("largest_difference", std::to_string(largest));
  EXPECT_LE(largest, 2e-2F);
}

TEST_P(GoldenTest, GreedyContinuationInF32IsTheReferences) {
  const Golden golden = read_golden(folder());
  const std::unique_ptr<CausalLm> model = load(DType::kF32);
  ASSERT_NE(model, nullptr);
  const std::size_t vocab = model->config().vocab_size;
  testing::SequenceRunner runner(*model, kBlockSize, 1, 256);
  std::vector<float> logits = runner.run(0, golden.prompt, golden.prompt.size());
  std::vector<TokenId> continuation;
  while (continuation.size() < golden.continuation.size()) {
    const std::span<const float> last(logits.data() + logits.size() - vocab, vocab);
    continuation.push_back(static_cast<TokenId>(kernels::argmax(kernels::best_isa(), last)));
    logits = runner.run(0, std::span(&continuation.back(), 1), 1);
  }
  EXPECT_EQ(continuation, golden.continuation);
}

std::vector<Case> cases() {
  std::vector<Case> out;
  for (const std::string& folder : golden_folders()) {
    for (const kernels::Isa isa : kernels::supported_isas()) {
      out.push_back({folder, std::string(kernels::to_string(isa))});
    }
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(All, GoldenTest, ::testing::ValuesIn(cases()), [](const auto& info) {
  return info.param.folder + "_on_" + info.param.isa;
});

}  // namespace
}  // namespace nacelle::model
