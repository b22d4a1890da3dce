// request.h: one sequence to generate, as the engine sees it: tokens in.
//
// A client request with n choices or several prompts is several of these; the prefix cache lets
// siblings share their prompt's blocks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/token.h"
#include "engine/core/ids.h"
#include "engine/sampling_params.h"

namespace nacelle::engine {

struct Request {
  std::vector<TokenId> prompt;  // at least one token, all within the vocabulary
  SamplingParams params;
  std::int64_t priority = 0;  // lower runs first; used by the priority policy only
  std::string cache_salt;     // isolates the prefix cache; "" = shared
  TimePoint arrival{};        // default: the moment of submit()
  // The last tokens of `prompt` that another engine had already generated for this request, which
  // is resumed here. They count as outputs for the seed's random stream, penalties, bad words and
  // min/max_tokens, so that the continuation is what the first engine would have written.
  std::uint32_t num_resumed_tokens = 0;
};

}  // namespace nacelle::engine
