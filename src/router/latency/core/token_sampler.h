// token_sampler.h: which tokens of an answer become training samples.
//
// The distance to the next sampled token is Poisson distributed, so that long answers give some
// samples and no period of the engine is met in step.
//
// Home:    one request. Same seed, same choice.
// Source:  router.md section 18 (samplingMean).
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>

namespace nacelle::router::latency {

class TokenSampler {
 public:
  TokenSampler(double mean, std::uint64_t seed) : random_(seed), gap_(std::max(mean, 1.0)) {
    schedule();
  }

  // Tells of `tokens` more; true when at least one of them was chosen.
  bool advance(std::uint64_t tokens) {
    seen_ += tokens;
    if (seen_ < next_) return false;
    schedule();
    return true;
  }

 private:
  void schedule() { next_ = seen_ + std::max<std::uint64_t>(gap_(random_), 1); }

  std::minstd_rand random_;  // small: there is one per running request
  std::poisson_distribution<std::uint64_t> gap_;
  std::uint64_t seen_ = 0;
  std::uint64_t next_ = 0;
};

}  // namespace nacelle::router::latency
