// sampling_pass.h: samples all rows of a step, side by side on the worker pool.
//
// Threads take row after row until none is left, so that dear rows do not hold up a whole share.
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
  std::span<const TokenId> drafts;          // assumed to come before this row
  std::optional<TokenId> prompt_token;      // a prompt row: just the logprobs of this token
  // Results. Of a prompt row only result.logprobs.
  Status error;
  SampledToken result;
};

class SamplingPass {
 public:
  // `pool` may be null (everything runs on the caller); else it must outlive this.
  explicit SamplingPass(kernels::WorkerPool* pool, std::size_t vocab_size = 0) : pool_(pool) {
    const std::size_t count = pool == nullptr ? 1 : pool->num_threads();
    for (std::size_t i = 0; i < count; ++i) samplers_.emplace_back(vocab_size);
  }

  void run(std::span<RowJob> jobs);

 private:
  kernels::WorkerPool* pool_;
  std::vector<Sampler> samplers_;  // one per thread at work
};

}  // namespace nacelle::engine
