// sampling_pass.h: samples all rows of a step, side by side on the worker pool.
//
// Which thread takes a row never shows in its result.
//
// Home:    the engine loop, which is the pool's one caller.
// Errors:  in each row's `error`; a row never disturbs another.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "engine/exec/sampler/sampler.h"
#include "kernels/worker_pool.h"

namespace nacelle::engine {

struct RowJob {
  std::span<float> logits;                  // may be changed
  const SamplingState* sampling = nullptr;  // read only
  std::optional<TokenId> prompt_token;      // a prompt row: just the logprobs of this token
  // Results. Of a prompt row only result.logprobs.
  Status error;
  SampledToken result;
};

class SamplingPass {
 public:
  // `pool` may be null (everything runs on the caller); else it must outlive this.
  explicit SamplingPass(kernels::WorkerPool* pool)
      : pool_(pool), samplers_(pool == nullptr ? 1 : pool->num_threads()) {}

  void run(std::span<RowJob> jobs);

 private:
  kernels::WorkerPool* pool_;
  std::vector<Sampler> samplers_;  // one per piece of the work
};

}  // namespace nacelle::engine
