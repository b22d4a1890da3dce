#include "engine/exec/sampling_pass.h"

#include <algorithm>
#include <atomic>
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
    auto sampled = sampler.sample(job.logits, {*job.sampling, job.drafts});
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
  const std::size_t takers = std::min(samplers_.size(), jobs.size());
  std::atomic<std::size_t> next{0};
  const auto take_rows = [&](std::size_t taker) {
    for (;;) {
      const std::size_t i = next.fetch_add(1, std::memory_order_relaxed);
      if (i >= jobs.size()) return;
      run_job(samplers_[taker], jobs[i]);
    }
  };
  if (takers <= 1) return take_rows(0);
  pool_->run(takers, take_rows);
}

}  // namespace nacelle::engine
