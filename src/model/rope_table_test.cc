#include "model/rope_table.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/file.h"

namespace nacelle::model {
namespace {

// tools/goldens/model_rope.py: the reference computes in f32; 2e-6 is about 16 roundings.
TEST(RopeTable, FrequenciesAgreeWithTransformers) {
  const auto text = read_file(NACELLE_TESTDATA "/model/rope.json");
  ASSERT_TRUE(text.ok()) << text.error().to_string();
  const auto cases = nlohmann::json::parse(*text);
  ASSERT_EQ(cases.size(), 12u);
  for (const auto& c : cases) {
    SCOPED_TRACE(c["name"].get<std::string>());
    const auto config = ModelConfig::parse(c["config"].dump());
    ASSERT_TRUE(config.ok()) << config.error().to_string();
    const RopeFrequencies ours = rope_frequencies(*config);
    const auto expected = c["inverse"].get<std::vector<double>>();
    ASSERT_EQ(ours.inverse.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(ours.inverse[i] / expected[i], 1.0, 2e-6) << i;
    }
    EXPECT_NEAR(ours.scale, c["scale"].get<double>(), 1e-6);
  }
}

TEST(RopeTable, FillsOnDemandAndKeepsWhatWasThere) {
  kernels::WorkerPool pool(2);
  const RopeFrequencies frequencies{{1.0F, 0.25F}, 2.0F};
  Result<RotaryTable> table = RotaryTable::make(frequencies, 5000);
  ASSERT_TRUE(table.ok());
  const kernels::RopeTable first = table->up_to(1, pool);
  EXPECT_GE(first.max_position, 1u);
  const float before = first.cos[0 * 2 + 1];
  const kernels::RopeTable all = table->up_to(5000, pool);
  EXPECT_EQ(all.max_position, 5000u);
  EXPECT_EQ(all.half_dim, 2u);
  EXPECT_EQ(all.cos[1], before);
  for (const std::size_t position : {std::size_t{0}, std::size_t{7}, std::size_t{4999}}) {
    EXPECT_FLOAT_EQ(all.cos[position * 2], 2.0F * std::cos(static_cast<float>(position)));
    EXPECT_FLOAT_EQ(all.sin[position * 2 + 1],
                    2.0F * std::sin(0.25F * static_cast<float>(position)));
  }
}

}  // namespace
}  // namespace nacelle::model
