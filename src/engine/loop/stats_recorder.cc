#include "engine/loop/stats_recorder.h"

namespace nacelle::engine {

void StatsRecorder::on_tokens(const ActiveSequence& sequence, std::uint32_t count, TimePoint now) {
  stats_.generation_tokens += count;
  tokens_in_step_ += count;
  if (sequence.times.last_token) {
    stats_.inter_token_latency.observe(to_seconds(now - *sequence.times.last_token));
    return;
  }
  stats_.time_to_first_token.observe(to_seconds(now - sequence.times.arrival));
  stats_.prompt_tokens += sequence.num_prompt_tokens;
  stats_.prompt_tokens_cached += sequence.num_cached_tokens;
  tokens_in_step_ += sequence.num_prompt_tokens;
}

void StatsRecorder::on_drafts(std::uint32_t num_drafts, std::uint32_t num_accepted) {
  ++stats_.num_drafts;
  stats_.num_draft_tokens += num_drafts;
  stats_.num_accepted_tokens += num_accepted;
  for (std::uint32_t i = 0; i < num_accepted; ++i) ++stats_.num_accepted_per_position[i];
}

void StatsRecorder::on_finish(const ActiveSequence& sequence, FinishReason reason, TimePoint now) {
  switch (reason) {
    case FinishReason::kStop:
      ++stats_.finished_stop;
      break;
    case FinishReason::kLength:
      ++stats_.finished_length;
      break;
    case FinishReason::kAbort:
      ++stats_.finished_abort;
      break;
    case FinishReason::kError:
      ++stats_.finished_error;
      break;
    case FinishReason::kNone:
      return;
  }
  const SequenceTimes& times = sequence.times;
  if (!times.first_scheduled || !times.first_token || !times.last_token) return;

  stats_.request_prompt_tokens.observe(sequence.num_prompt_tokens);
  stats_.request_generation_tokens.observe(sequence.num_generated);
  stats_.request_max_num_generation_tokens.observe(sequence.num_generated);
  stats_.request_params_max_tokens.observe(sequence.sampling.params().max_tokens);
  stats_.request_prefill_kv_computed_tokens.observe(sequence.num_prompt_tokens -
                                                    sequence.num_cached_tokens);
  const double decode = to_seconds(*times.last_token - *times.first_token);
  stats_.e2e_latency.observe(to_seconds(now - times.arrival));
  stats_.queue_time.observe(to_seconds(*times.first_scheduled - sequence.queued));
  stats_.inference_time.observe(to_seconds(*times.last_token - *times.first_scheduled));
  stats_.prefill_time.observe(to_seconds(*times.first_token - *times.first_scheduled));
  stats_.decode_time.observe(decode);
  stats_.time_per_output_token.observe(
      sequence.num_generated > 1 ? decode / (sequence.num_generated - 1) : 0);
}

void StatsRecorder::on_step() {
  ++stats_.num_steps;
  stats_.iteration_tokens.observe(static_cast<double>(tokens_in_step_));
  tokens_in_step_ = 0;
}

const Stats& StatsRecorder::read(const Scheduler& scheduler) {
  stats_.num_running = scheduler.num_running();
  stats_.num_waiting = scheduler.num_waiting();
  stats_.num_blocks = scheduler.cache().options().num_blocks;
  stats_.kv_cache_usage = scheduler.cache().usage();
  stats_.prefix_cache_queries = scheduler.counters().prefix_queries;
  stats_.prefix_cache_hits = scheduler.counters().prefix_hits;
  stats_.num_preemptions = scheduler.counters().preemptions;
  return stats_;
}

}  // namespace nacelle::engine
