// request.h: one sequence to generate, as the engine sees it: tokens in.
//
// A client request with n choices or several prompts is several of these; the prefix cache lets
// siblings share their prompt's blocks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/id.h"
#include "base/token.h"
#include "engine/sampling_params.h"

namespace nacelle::engine {

using SequenceId = Id<struct SequenceTag, std::uint64_t>;

struct Request {
  std::vector<TokenId> prompt;     // at least one token, all within the vocabulary
  SamplingParams params;
  std::int64_t priority = 0;       // lower runs first; used by the priority policy only
  std::string cache_salt;          // isolates the prefix cache; "" = shared
  TimePoint arrival{};
};

}  // namespace nacelle::engine
