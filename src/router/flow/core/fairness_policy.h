// fairness_policy.h: which flow of a band is served next.
//
// Home:    whatever guards the FlowQueues; each band has a policy object of its own.
// Source:  router.md section 12.3.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "router/flow/core/flow_queue.h"
#include "router/flow/flow_config.h"

namespace nacelle::router::flow {

struct ProgramStats {
  std::string id;
  double attained_tokens = 0;  // decayed to now
  double average_wait_seconds = 0;
};

class FairnessPolicy {
 public:
  virtual ~FairnessPolicy() = default;

  // The flow got its first waiting request; lost its last one; has another head.
  virtual void added(FlowQueue& flow, TimePoint now) = 0;
  virtual void removed(FlowQueue& flow) = 0;
  virtual void head_changed(FlowQueue& flow) = 0;

  // One of the flows that wait; there is at least one. The caller dispatches its head.
  [[nodiscard]] virtual FlowQueue& pick(TimePoint now) = 0;

  // A request of this flow ended after using so many tokens.
  virtual void served(std::string_view fairness_id, std::uint64_t prompt_tokens,
                      std::uint64_t completion_tokens, TimePoint now) {
    (void)fairness_id, (void)prompt_tokens, (void)completion_tokens, (void)now;
  }
  // Forgets what is old. Cheap when called often.
  virtual void sweep(TimePoint now) { (void)now; }
  [[nodiscard]] virtual std::vector<ProgramStats> programs(TimePoint now) const {
    (void)now;
    return {};
  }
};

[[nodiscard]] std::unique_ptr<FairnessPolicy> make_fairness_policy(const BandConfig& config);

}  // namespace nacelle::router::flow
