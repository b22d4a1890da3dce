#include "router/policy.h"

#include "router/filter/serving/serving.h"
#include "router/picker/max_score/max_score.h"
#include "router/picker/random/random.h"
#include "router/picker/round_robin/round_robin.h"
#include "router/scorer/active_request/active_request.h"
#include "router/scorer/kv_cache_utilization/kv_cache_utilization.h"
#include "router/scorer/load_cost/load_cost.h"
#include "router/scorer/prefix_cache/prefix_cache.h"
#include "router/scorer/queue/queue.h"

namespace nacelle::router {

Result<Profile> make_policy(std::string_view name) {
  Profile profile;
  profile.filters.push_back(std::make_unique<ServingFilter>());
  if (name == "prefix-aware") {
    profile.scorers.push_back({std::make_unique<PrefixCacheScorer>(), 2});
    profile.scorers.push_back({std::make_unique<LoadCostScorer>(), 3});
    profile.scorers.push_back({std::make_unique<QueueScorer>(), 0.5});
    profile.scorers.push_back({std::make_unique<KvCacheUtilizationScorer>(), 0.5});
    profile.picker = std::make_unique<MaxScorePicker>();
  } else if (name == "least-loaded") {
    profile.scorers.push_back({std::make_unique<ActiveRequestScorer>(), 1});
    profile.picker = std::make_unique<MaxScorePicker>();
  } else if (name == "round-robin") {
    profile.picker = std::make_unique<RoundRobinPicker>();
  } else if (name == "random") {
    profile.picker = std::make_unique<RandomPicker>();
  } else {
    return invalid_argument("unknown policy '{}'; there are {}", name, kPolicyNames);
  }
  return profile;
}

}  // namespace nacelle::router
