// The same end from any interleaving and crash, and then no write.
#include "control/core/kserve/canary.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>

#include "control/core/kserve/testing/canary_story.h"

namespace nacelle::control::kserve {
namespace {

using testing::image_of;
using testing::Story;

// What must be the same in the end, whatever the names and times.
Json essence(Story& story) {
  Json out;
  out["scene"] = story.scene();
  out["condition"] = {story.canary_condition("status"), story.canary_condition()};
  out["ready"] = story.condition("Ready", "status");
  const Json* service = story.world.find("LLMInferenceService", "chat");
  out["outcome"] = kube::text_at(*service, {"status", "annotations", kCanaryOutcome});
  for (const char* kind : {"Deployment", "InferencePool", "Service", "HTTPRoute"}) {
    for (const Json& object : story.world.of(kind)) out[kind].push_back(kube::key_of(object).name);
    std::sort(out[kind].begin(), out[kind].end());
  }
  std::vector<std::string> pods;
  for (const Json& pod : story.world.of("Pod")) pods.push_back(image_of(pod));
  std::sort(pods.begin(), pods.end());
  out["pods"] = pods;
  return out;
}

TEST(Canary, TheSameEndFromAnyInterleavingAndCrash) {
  for (std::uint32_t seed = 0; seed < 80; ++seed) {
    std::mt19937 random(seed);
    const char* images[] = {"two", "broken", "slow", "one"};
    const std::string image = images[random() % 4];
    const bool errors = random() % 3 == 0;
    const bool gives_up = random() % 6 == 0;
    const auto story = [&](bool stumbles) {
      std::mt19937 dice(seed);
      auto out = std::make_unique<Story>();
      EXPECT_TRUE(out->world.settle());
      if (errors) out->around.every_second = PoolTraffic{10, 5};
      out->set_image(image);
      if (stumbles) out->world.stumble(dice, 150);
      if (gives_up)
        out->change(R"({"metadata":{"annotations":{"nacelle.dev/canary-steps":null}}})");
      if (stumbles) out->world.stumble(dice, 100);
      EXPECT_TRUE(out->world.settle(3000)) << out->world.text();
      return out;
    };
    const auto calm = story(false);
    const auto wild = story(true);
    ASSERT_EQ(essence(*wild), essence(*calm)) << "seed " << seed << " to " << image;
    ASSERT_EQ(wild->world.writes_to_settle(), 0) << "seed " << seed;
  }
}

}  // namespace
}  // namespace nacelle::control::kserve
