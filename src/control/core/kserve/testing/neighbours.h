// neighbours.h: who lives beside the controllers of services in a simulated namespace: those of
// Deployments and ReplicaSets, one of LeaderWorkerSets (a pod stands for each group, and there is
// no observedGeneration), pods that run or do not, a gateway that takes routes.
//
// Images say what becomes of a pod: "broken" crashes, "slow" never answers, others are ready.
//
// Home:    one test.
#pragma once

#include <string>
#include <vector>

#include "control/core/kserve/decide.h"
#include "control/core/workload/testing/world.h"

namespace nacelle::control::kserve::testing {

using workload::testing::World;

[[nodiscard]] const std::vector<Json>& gateways();       // one, programmed
[[nodiscard]] std::string image_of(const Json& object);  // of a pod or a template
[[nodiscard]] Lookup preset_lookup();

void add_neighbours(World& world, std::vector<World::Decider>& to);
void run_workloads(World& world);
void run_sets(World& world);
void accept_routes(World& world);

}  // namespace nacelle::control::kserve::testing
