// active_sequence.h: what the engine remembers of a sequence besides its place in the schedule.
//
// Home:    the engine loop.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "engine/core/scheduler.h"
#include "engine/engine.h"
#include "engine/exec/sampler/sampling_state.h"
#include "engine/output.h"

namespace nacelle::engine {

// How a sequence ends that may not go yet.
struct PendingEnd {
  FinishReason reason = FinishReason::kNone;
  Status error;
  KeepCache keep = KeepCache::kYes;
};

struct ActiveSequence {
  SequenceId id;
  SequenceSlot slot;
  std::shared_ptr<OutputSink> sink;
  Engine::Admission place;
  SamplingState sampling;
  std::uint32_t num_prompt_tokens = 0;
  std::uint32_t num_cached_tokens = 0;
  std::uint32_t num_generated = 0;  // by this engine

  SequenceTimes times;
  TimePoint queued{};
  std::vector<PositionLogprobs> prompt_logprobs;  // until the first output takes them

  // Where it stands between the steps. A sequence in the step that runs, or whose prompt the
  // planned step computes, cannot go: kernels read its blocks, others may count on them.
  bool in_flight = false;
  bool awaits_token = false;        // the planned step computes the token that this one yields
  std::int32_t planned_chunk = -1;  // in the step that is planned ahead; -1 = none
  std::optional<PendingEnd> end;    // has ended, goes as soon as it can
};

}  // namespace nacelle::engine
