#include "engine/exec/sampling_pass.h"

#include <algorithm>
#include <new>
#include <utility>

namespace nacelle::engine {
namespace {

void run_job(Sampler& sampler, RowJob& job) {
  try {
    if (job.prompt_token) {
      auto logprobs = sampler.prompt_logprobs(job.logits, *job.prompt_token,
                                              job.sampling->params().prompt_logprobs);
      if (logprobs) {
        job.result.logprobs = std::move(*logprobs);
      } else {
        job.error = logprobs.error();
      }
      return;
    }
    auto sampled = sampler.sample(job.logits, *job.sampling);
    if (sampled) {
      job.result = std::move(*sampled);
    } else {
      job.error = sampled.error();
    }
  } catch (const std::bad_alloc&) {  // must not leave a worker's thread
    job.error = resource_exhausted("no memory to sample a token");
  }
}

}  // namespace

void SamplingPass::run(std::span<RowJob> jobs) {
  const std::size_t pieces = std::min(samplers_.size(), jobs.size());
  const auto run_piece = [&](std::size_t piece) {
    for (std::size_t i = piece; i < jobs.size(); i += pieces) run_job(samplers_[piece], jobs[i]);
  };
  if (pieces <= 1) {
    if (pieces == 1) run_piece(0);
    return;
  }
  pool_->run(pieces, run_piece);
}

}  // namespace nacelle::engine
