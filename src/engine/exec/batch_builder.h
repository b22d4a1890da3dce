// batch_builder.h: turns a step plan into the arrays that the model reads.
//
// Home:    the engine loop; the object keeps its buffers from step to step.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/core/scheduler.h"
#include "engine/core/step_plan.h"
#include "model/causal_lm.h"

namespace nacelle::engine {

class BatchBuilder {
 public:
  // Valid until the next build(). Block tables are read where the scheduler has them: it may plan
  // the next step meanwhile, but not finish a sequence of this one. Rows with logits follow the
  // chunks' order: a chunk's prompt rows, then its sampling rows.
  [[nodiscard]] model::ForwardBatch build(const StepPlan& plan, const Scheduler& scheduler);

 private:
  std::vector<TokenId> tokens_;
  std::vector<model::SequenceChunk> chunks_;
  std::vector<std::uint32_t> logit_rows_;
};

}  // namespace nacelle::engine
