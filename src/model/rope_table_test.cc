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

TEST(RopeTable, GrowsOnDemandAndKeepsWhatWasThere) {
  kernels::WorkerPool pool(2);
  RotaryTable table(RopeFrequencies{{1.0F, 0.25F}, 2.0F});
  EXPECT_GE(table.up_to(1, pool).max_position, 1u);
  EXPECT_GE(table.up_to(3000, pool).max_position, 3000u);
  const kernels::RopeTable all = table.up_to(50000, pool);
  EXPECT_GE(all.max_position, 50000u);
  EXPECT_EQ(all.half_dim, 2u);
  for (const std::size_t position : {0, 1, 7, 1023, 1024, 2999, 3000, 4095, 4096, 49999}) {
    const auto angle = static_cast<float>(position);
    EXPECT_FLOAT_EQ(all.cos[position * 2], 2.0F * std::cos(angle));
    EXPECT_FLOAT_EQ(all.sin[position * 2 + 1], 2.0F * std::sin(0.25F * angle));
  }
}

}  // namespace
}  // namespace nacelle::model
