// active_sequence.h: what the engine remembers of a sequence besides its place in the schedule.
//
// Home:    the engine loop.
#pragma once

#include <memory>
#include <vector>

#include "engine/engine.h"
#include "engine/exec/sampler/sampling_state.h"
#include "engine/output.h"

namespace nacelle::engine {

struct ActiveSequence {
  std::shared_ptr<OutputSink> sink;
  Engine::Admission place;
  SamplingState sampling;
  std::uint32_t num_prompt_tokens = 0;
  std::uint32_t num_cached_tokens = 0;
  std::uint32_t num_generated = 0;  // by this engine

  SequenceTimes times;
  TimePoint queued{};
  std::vector<PositionLogprobs> prompt_logprobs;  // until the first output takes them
};

}  // namespace nacelle::engine
