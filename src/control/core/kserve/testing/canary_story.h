// canary_story.h: a service with a canary, beside the controllers of Deployments and ReplicaSets,
// pods that run or do not, and a gateway that takes routes. Time passes second by second.
//
// Home:    one test.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "control/core/kserve/decide.h"
#include "control/core/kserve/testing/neighbours.h"

namespace nacelle::control::kserve::testing {

struct Surroundings {
  // What each pool is asked; nothing: nobody counts.
  std::optional<PoolTraffic> every_second = PoolTraffic{10, 0};
  bool gateway_works = true;  // takes what is new of routes
  bool sets_work = true;      // somebody acts on LeaderWorkerSets
  std::map<std::string, PoolTraffic> counted;
};

// "chat" with steps of 10 and 50 % that last 30 s, and `more` laid over it.
[[nodiscard]] Json canary_service(const char* more = "{}");
[[nodiscard]] Observed observe(const World& world, const Json& service, const Surroundings& around);
[[nodiscard]] Decision decide_alone(const Json& service, const Observed& observed);

// Of a service of either group.
using DecideService =
    std::function<Decision(const World& world, const Json& service, const Surroundings& around)>;

struct Story {
  Surroundings around;
  World world;

  explicit Story(const Json& service = canary_service(), DecideService decide = {});
  Story(const Story&) = delete;
  Story& operator=(const Story&) = delete;

  // "90/10 canary 1xtwo stable one": weights of the route, replicas and image of the canary, image
  // of the service's own Deployment.
  [[nodiscard]] std::string scene();
  [[nodiscard]] std::string weights();
  [[nodiscard]] std::string canary();
  [[nodiscard]] std::string stable_image();
  [[nodiscard]] std::string condition(std::string_view type, const char* field = "reason");
  [[nodiscard]] std::string canary_condition(const char* field = "reason") {
    return condition("CanaryReady", field);
  }
  // "Warning CanaryRolledBack"
  [[nodiscard]] std::vector<std::string> events() const;

  void change(const char* patch);            // a merge patch of the service
  void set_image(const std::string& image);  // of the main container, or the engine

  void second();
  // The scenes of some seconds, each once.
  std::vector<std::string> watch(int seconds);
  // The same; ", not ready: " and why behind those in which the service is not ready.
  std::vector<std::string> watch_readiness(int seconds);
  // Until the route has these weights; false when that does not come.
  [[nodiscard]] bool wait_for(const std::string& weights);
  [[nodiscard]] bool settle() { return world.settle(3000); }

 private:
  [[nodiscard]] std::vector<World::Decider> deciders(World& of);

  DecideService decide_;
};

// Of a canary of image "two" with canary_service()'s steps that fares well.
[[nodiscard]] const std::vector<std::string>& scenes_of_promotion();

// What must be the same in the end, whatever the names and times.
[[nodiscard]] Json essence(Story& story);

// What happens to a canary.
struct Plot {
  const char* image;  // of the new revision
  bool errors = false;
  bool gives_up = false;  // the annotation goes in the middle
  std::int64_t jump = 0;  // of the clock, in the middle; seconds
};
[[nodiscard]] std::vector<Plot> plots();
// Lives it, calm without `dice`, until it settles; false when it does not.
[[nodiscard]] bool live(const Plot& plot, std::mt19937* dice, Story& story);

}  // namespace nacelle::control::kserve::testing
