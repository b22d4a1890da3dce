// The same end from any interleaving, crash and jump of the clock, and then no write.
#include "control/core/kserve/canary.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

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

struct Plot {
  const char* image;  // of the new revision
  bool errors = false;
  bool gives_up = false;  // the annotation goes in the middle
  std::int64_t jump = 0;  // of the clock, in the middle; seconds
};

// Calm without `dice`.
std::unique_ptr<Story> live(const Plot& plot, std::mt19937* dice) {
  auto story = std::make_unique<Story>();
  EXPECT_TRUE(story->settle());
  if (plot.errors) story->around.every_second = PoolTraffic{10, 5};
  story->set_image(plot.image);
  if (dice != nullptr) {
    story->world.stumble(*dice, 150);
    story->world.now += plot.jump;
  }
  if (plot.gives_up)
    story->change(R"({"metadata":{"annotations":{"nacelle.dev/canary-steps":null}}})");
  if (dice != nullptr) story->world.stumble(*dice, 100);
  EXPECT_TRUE(story->settle()) << story->world.text();
  return story;
}

TEST(Canary, TheSameEndFromAnyInterleavingAndCrash) {
  const std::vector<Plot> plots = {{.image = "two"},
                                   {.image = "two", .errors = true},
                                   {.image = "two", .gives_up = true},
                                   {.image = "broken"},
                                   {.image = "broken", .gives_up = true},
                                   {.image = "slow"},
                                   {.image = "one"},
                                   {.image = "two", .jump = 3600},
                                   {.image = "two", .jump = -3600},
                                   {.image = "two", .errors = true, .jump = -3600},
                                   {.image = "broken", .jump = 3600},
                                   {.image = "broken", .jump = -3600}};
  std::uint32_t seed = 0;
  for (const Plot& plot : plots) {
    const Json calm = essence(*live(plot, nullptr));
    for (const std::uint32_t end = seed + 3; seed < end; ++seed) {
      std::mt19937 dice(seed);
      const auto wild = live(plot, &dice);
      ASSERT_EQ(essence(*wild), calm) << "seed " << seed << " to " << plot.image;
      ASSERT_EQ(wild->world.writes_to_settle(), 0) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace nacelle::control::kserve
