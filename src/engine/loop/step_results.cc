// The second half of StepRunner: from sampled rows to tokens, ends and outputs.
#include <exception>
#include <utility>

#include "base/check.h"
#include "engine/core/ngram_proposer.h"
#include "engine/exec/stop_checker.h"
#include "engine/loop/step_runner.h"

namespace nacelle::engine {
namespace {

// A sink that throws (its memory ran out, say) loses its output; the other sequences go on.
void report(OutputSink& sink, SequenceOutput output) {
  try {
    sink.on_output(std::move(output));
  } catch (const std::exception&) {
  }
}

// Drafts are right as long as they are what their rows yield: the row after a right draft is the
// row that would have come without speculation.
std::uint32_t count_accepted(std::span<const RowJob> rows, std::span<const TokenId> drafts) {
  std::uint32_t count = 0;
  while (count < drafts.size() && rows[count].error.ok() &&
         rows[count].result.token == drafts[count]) {
    ++count;
  }
  return count;
}

}  // namespace

void StepRunner::finish_step() {
  const TimePoint now = clock_.now();
  std::span<RowJob> rows = rows_;
  for (const ScheduledChunk& chunk : plan_.chunks) {
    const std::size_t count = chunk.num_prompt_rows + chunk.num_sampling_rows();
    process_chunk(chunk, rows.first(count), now);
    rows = rows.subspan(count);
  }
  recorder_.on_step();
}

void StepRunner::deliver() {
  for (Delivery& delivery : deliveries_) report(*delivery.sink, std::move(delivery.output));
  deliveries_.clear();
}

void StepRunner::process_chunk(const ScheduledChunk& chunk, std::span<RowJob> rows, TimePoint now) {
  ActiveSequence& sequence = active(chunk.slot);
  sequence.in_flight = false;
  if (sequence.end) return end(sequence, *std::exchange(sequence.end, std::nullopt));
  for (RowJob& row : rows.first(chunk.num_prompt_rows)) {
    if (!row.error.ok()) return end_by_row_error(sequence, std::move(row.error));
    sequence.prompt_logprobs.push_back(std::move(*row.result.logprobs));
  }
  if (chunk.samples) take_tokens(chunk, sequence, rows.subspan(chunk.num_prompt_rows), now);
}

void StepRunner::take_tokens(const ScheduledChunk& chunk, ActiveSequence& active,
                             std::span<RowJob> rows, TimePoint now) {
  std::uint32_t num_accepted = 0;
  if (chunk.num_draft_tokens > 0) {
    const std::span drafts(scheduler_.at(chunk.slot).drafts);
    num_accepted = count_accepted(rows, drafts.first(chunk.num_draft_tokens));
    scheduler_.reject_drafts(chunk.slot, chunk.num_draft_tokens - num_accepted);
    recorder_.on_drafts(chunk.num_draft_tokens, num_accepted);
  }

  SequenceOutput output{.sequence = active.id};
  StopVerdict verdict;
  Status error;
  for (RowJob& row : rows.first(num_accepted + 1)) {
    if (!row.error.ok()) {
      error = std::move(row.error);
      break;
    }
    scheduler_.append_token(chunk.slot, row.result.token);
    active.sampling.append_output(row.result.token);
    ++active.num_generated;
    output.tokens.push_back(row.result.token);
    if (row.result.logprobs) output.logprobs.push_back(std::move(*row.result.logprobs));
    verdict = check_stop(active.sampling.params(), config_.eos_token, row.result.token,
                         active.sampling.num_outputs(),
                         active.num_prompt_tokens + active.num_generated, config_.max_model_len);
    if (verdict.finish != FinishReason::kNone) break;
  }
  if (!output.tokens.empty()) {
    note_tokens(active, static_cast<std::uint32_t>(output.tokens.size()), now);
    output.prompt_logprobs = std::exchange(active.prompt_logprobs, {});
    output.num_cached_tokens = active.num_cached_tokens;
    output.finish = verdict.finish;
    output.stop_token = verdict.stop_token;
    output.times = active.times;
    if (verdict.finish != FinishReason::kNone) {
      const bool left = leave_planned_step(active);
      CHECK(left);  // a sequence that yields tokens has no more prompt to compute
      recorder_.on_finish(active, verdict.finish, now);
      return remove(active, KeepCache::kYes, std::move(output));
    }
    deliveries_.push_back({active.sink, std::move(output)});
  }
  if (!error.ok()) return end_by_row_error(active, std::move(error));
  if (active.planned_chunk < 0) active.awaits_token = false;
  if (config_.speculative.enabled()) {
    propose_ngram(scheduler_.at(chunk.slot).tokens, config_.speculative, drafts_);
    scheduler_.set_drafts(chunk.slot, drafts_);
  }
}

void StepRunner::note_tokens(ActiveSequence& active, std::uint32_t count, TimePoint now) {
  recorder_.on_tokens(active, count, now);
  if (!active.times.first_token) active.times.first_token = now;
  active.times.last_token = now;
}

void StepRunner::end_by_row_error(ActiveSequence& active, Status error) {
  const bool corrupted = error.code() == Code::kDataLoss;
  if (corrupted) recorder_.on_corrupted();
  end(active, {.reason = FinishReason::kError,
               .error = std::move(error),
               .keep = corrupted ? KeepCache::kNo : KeepCache::kYes});
}

// The sequence ends without a new token: now, or after the step that still needs its blocks.
void StepRunner::end(ActiveSequence& active, PendingEnd end) {
  if (active.in_flight || !leave_planned_step(active)) {
    if (!active.end) active.end = std::move(end);
    return;
  }
  recorder_.on_finish(active, end.reason, clock_.now());
  SequenceOutput output{.sequence = active.id};
  output.num_cached_tokens = active.num_cached_tokens;
  output.finish = end.reason;
  output.error = std::move(end.error);
  output.times = active.times;
  remove(active, end.keep, std::move(output));
}

// False when the planned step computes a part of its prompt: blocks that others may have hit.
bool StepRunner::leave_planned_step(ActiveSequence& active) {
  if (active.planned_chunk < 0) return true;
  if (!active.awaits_token) return false;
  scheduler_.drop_chunk(planned_, planned_.chunks[static_cast<std::size_t>(active.planned_chunk)]);
  active.planned_chunk = -1;
  return true;
}

void StepRunner::remove(ActiveSequence& active, KeepCache keep, SequenceOutput output) {
  scheduler_.finish(active.id, keep);
  active.place = {};  // free before the caller learns of the end
  deliveries_.push_back({std::move(active.sink), std::move(output)});
  active_[active.slot.value].reset();
}

}  // namespace nacelle::engine
