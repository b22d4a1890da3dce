#include "router/flow/core/fairness_policy.h"

#include "base/check.h"
#include "router/flow/core/global_strict.h"
#include "router/flow/core/program_aware.h"
#include "router/flow/core/round_robin.h"

namespace nacelle::router::flow {

std::unique_ptr<FairnessPolicy> make_fairness_policy(const BandConfig& config) {
  switch (config.fairness) {
    case FairnessKind::kGlobalStrict:
      return std::make_unique<GlobalStrict>();
    case FairnessKind::kRoundRobin:
      return std::make_unique<RoundRobin>();
    case FairnessKind::kProgramAware:
      return std::make_unique<ProgramAware>(config.program_aware);
  }
  CHECK(false);
}

}  // namespace nacelle::router::flow
