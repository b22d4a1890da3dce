// fleet.h: services of inference.llm-d.ai and their pools in one namespace, beside the controllers
// of Deployments and ReplicaSets, pods that run and a gateway that takes routes.
//
// Home:    one test.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "control/core/llmd/autoscaler.h"
#include "control/core/workload/testing/world.h"

namespace nacelle::control::llmd::testing {

struct Fleet {
  workload::testing::World world;

  // `objects` are services and pools.
  explicit Fleet(std::vector<Json> objects);
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  void change(const char* kind, const char* name, const char* patch);  // a merge patch
  [[nodiscard]] bool settle() { return world.settle(3000); }
  // Pods that are there, those that end too, by service.
  [[nodiscard]] std::map<std::string, std::int64_t> pods() const;

 private:
  std::map<std::string, AutoscalerState> scalers_;
};

}  // namespace nacelle::control::llmd::testing
