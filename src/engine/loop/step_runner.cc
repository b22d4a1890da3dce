#include "engine/loop/step_runner.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "engine/request_check.h"

namespace nacelle::engine {
namespace {

SchedulerOptions scheduler_options(const EngineConfig& config) {
  return {.max_num_batched_tokens = config.max_num_batched_tokens,
          .max_num_seqs = config.max_num_seqs,
          .max_model_len = config.max_model_len,
          .long_prefill_token_threshold = config.long_prefill_token_threshold,
          .enable_chunked_prefill = config.enable_chunked_prefill,
          .reserve_full_prompt = config.reserve_full_prompt,
          .max_prompt_rows = config.max_prompt_logprob_rows,
          .max_draft_tokens = config.speculative.max_draft_tokens_per_step,
          .policy = config.policy};
}

KvCache make_cache(const EngineConfig& config, BlockHasher hasher) {
  return KvCache({.num_blocks = config.num_blocks,
                  .block_size = config.block_size,
                  .enable_prefix_caching = config.enable_prefix_caching,
                  .record_events = config.kv_events.enabled && config.enable_prefix_caching},
                 std::move(hasher));
}

// Spreads (engine seed, sequence) over 64 bits: the splitmix64 finaliser.
std::uint64_t own_seed(std::uint64_t engine_seed, SequenceId id) {
  std::uint64_t x = engine_seed + id.value * 0x9E3779B97F4A7C15u;
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
  x = (x ^ x >> 27) * 0x94D049BB133111EBu;
  return x ^ x >> 31;
}

// Outputs that this engine may still generate for a request.
std::uint32_t most_outputs(const Request& request) {
  return request.params.max_tokens - request.num_resumed_tokens;
}

}  // namespace

StepRunner::StepRunner(const EngineConfig& config, BlockHasher hasher,
                       std::unique_ptr<model::CausalLm> model, kernels::WorkerPool* pool,
                       const Clock& clock)
    : config_(config),
      model_(std::move(model)),
      clock_(clock),
      vocab_size_(model_->config().vocab_size),
      scheduler_(scheduler_options(config), make_cache(config, std::move(hasher))),
      recorder_(config),
      sampling_pass_(pool, vocab_size_),
      logits_size_(static_cast<std::size_t>(max_logit_rows(config)) * vocab_size_) {
  logits_.reset(new float[logits_size_]);  // pages are touched only when rows are used
}

void StepRunner::add(SequenceId id, Request request, Engine::Admission place,
                     std::shared_ptr<OutputSink> sink, TimePoint queued) {
  const std::uint64_t seed = request.params.seed ? static_cast<std::uint64_t>(*request.params.seed)
                                                 : own_seed(config_.seed, id);
  const auto num_prompt_tokens = static_cast<std::uint32_t>(request.prompt.size());
  const std::uint64_t max_num_tokens = std::uint64_t{num_prompt_tokens} + most_outputs(request);
  SamplingState sampling(std::move(request.params), seed, config_.eos_token, request.prompt,
                         request.num_resumed_tokens);
  const bool wants_prompt_rows = sampling.params().prompt_logprobs >= 0;
  auto active = std::make_unique<ActiveSequence>(ActiveSequence{
      .id = id,
      .sink = std::move(sink),
      .place = std::move(place),
      .sampling = std::move(sampling),
      .num_prompt_tokens = num_prompt_tokens,
      .queued = queued,
  });
  active->times.arrival = request.arrival == TimePoint{} ? queued : request.arrival;
  if (wants_prompt_rows) active->prompt_logprobs.emplace_back();  // nothing predicts the first
  active->slot = scheduler_.add({
      .id = id,
      .prompt = std::move(request.prompt),
      .priority = request.priority,
      .arrival = active->times.arrival,
      .cache_salt = std::move(request.cache_salt),
      .wants_prompt_rows = wants_prompt_rows,
      .max_num_tokens = static_cast<std::uint32_t>(
          std::min<std::uint64_t>(max_num_tokens, config_.max_model_len)),
  });
  const std::size_t index = active->slot.value;
  if (index >= active_.size()) active_.resize(index + 1);
  active_[index] = std::move(active);
}

void StepRunner::abort(SequenceId id, FinishReason reason) {
  const Sequence* sequence = scheduler_.find(id);
  if (sequence == nullptr) return;
  end(active(sequence->slot), {.reason = reason});
  deliver();
}

void StepRunner::abort_all(FinishReason reason, const Status& error) {
  // What a step that will not run was to compute must not stay in the prefix index.
  const KeepCache keep = std::exchange(has_planned_, false) ? KeepCache::kNo : KeepCache::kYes;
  for (auto& entry : active_) {
    if (entry == nullptr) continue;
    entry->in_flight = false;
    entry->planned_chunk = -1;
    entry->end.reset();
    end(*entry, {.reason = reason, .error = error, .keep = keep});
  }
  deliver();
}

void StepRunner::step() {
  if (start_step()) {
    run_step();
    finish_step();
  }
  deliver();
}

bool StepRunner::start_step() {
  const TimePoint scheduled = clock_.now();
  plan_.clear();
  if (std::exchange(has_planned_, false)) take_planned_step();
  if (plan_.chunks.empty()) {
    scheduler_.plan_step(plan_);
    const bool some_failed = !plan_.failed.empty();
    end_failed(plan_);
    if (plan_.chunks.empty()) {
      // Progress is an invariant of the scheduler; were it broken, callers must not wait for ever.
      if (!some_failed && plan_.preempted.empty() && !scheduler_.idle()) {
        abort_all(FinishReason::kError, internal("the scheduler found nothing to run"));
      }
      return false;
    }
  }
  for (const ScheduledChunk& chunk : plan_.chunks) {
    ActiveSequence& sequence = active(chunk.slot);
    sequence.in_flight = true;
    if (!sequence.times.first_scheduled) note_first_schedule(sequence, scheduled);
  }
  batch_ = batch_builder_.build(plan_, scheduler_);
  prepare_rows();
  return true;
}

void StepRunner::run_step() {
  const std::size_t num_logits = batch_.logit_rows.size() * vocab_size_;
  CHECK(num_logits <= logits_size_);
  model_->forward(batch_, std::span(logits_.get(), num_logits));
  sampling_pass_.run(rows_);
}

// Sequences of the step that runs count on their token; where one ends with it instead,
// leave_planned_step() takes it out again.
void StepRunner::plan_ahead() {
  if (has_planned_ || !config_.async_scheduling || config_.speculative.enabled()) return;
  for (const ScheduledChunk& chunk : plan_.chunks) {
    if (!chunk.samples) continue;
    scheduler_.expect_token(chunk.slot);
    active(chunk.slot).awaits_token = true;
  }
  scheduler_.plan_step(planned_);
  end_failed(planned_);
  mark_planned(0);
  has_planned_ = true;
}

void StepRunner::extend_planned_step() {
  if (!has_planned_) return;
  const std::size_t first = planned_.chunks.size();
  scheduler_.extend_plan(planned_);
  end_failed(planned_);
  mark_planned(first);
}

void StepRunner::mark_planned(std::size_t first_chunk) {
  for (std::size_t i = first_chunk; i < planned_.chunks.size(); ++i) {
    active(planned_.chunks[i].slot).planned_chunk = static_cast<std::int32_t>(i);
  }
}

// Makes plan_ of planned_: without those that ended meanwhile, with those whom their end lets in.
void StepRunner::take_planned_step() {
  std::swap(plan_, planned_);
  std::erase_if(plan_.chunks, [](const ScheduledChunk& chunk) { return chunk.num_tokens == 0; });
  for (const ScheduledChunk& chunk : plan_.chunks) {
    active(chunk.slot).planned_chunk = -1;
    active(chunk.slot).awaits_token = false;
  }
  scheduler_.extend_plan(plan_);
  end_failed(plan_);
}

// The scheduler has forgotten them already. Rare enough for a search.
void StepRunner::end_failed(StepPlan& plan) {
  for (auto& [id, why] : plan.failed) {
    for (auto& entry : active_) {
      if (entry == nullptr || entry->id != id) continue;
      end(*entry, {.reason = FinishReason::kError, .error = std::move(why)});
      break;
    }
  }
  plan.failed.clear();
}

void StepRunner::prepare_rows() {
  rows_.clear();
  const auto add_row = [&](const ActiveSequence& sequence) -> RowJob& {
    float* const row = logits_.get() + rows_.size() * vocab_size_;
    rows_.push_back({.logits = {row, vocab_size_}, .sampling = &sequence.sampling});
    return rows_.back();
  };
  for (const ScheduledChunk& chunk : plan_.chunks) {
    const ActiveSequence& sequence = active(chunk.slot);
    const Sequence& scheduled = scheduler_.at(chunk.slot);
    for (std::uint32_t i = 0; i < chunk.num_prompt_rows; ++i) {
      add_row(sequence).prompt_token = scheduled.tokens[chunk.first_prompt_row + i + 1];
    }
    for (std::uint32_t i = 0; i < chunk.num_sampling_rows(); ++i) {
      add_row(sequence).drafts = std::span(scheduled.drafts).first(i);
    }
  }
}

void StepRunner::note_first_schedule(ActiveSequence& active, TimePoint now) {
  active.times.first_scheduled = now;
  active.num_cached_tokens = scheduler_.at(active.slot).num_cached_tokens;
  const Sequence& sequence = scheduler_.at(active.slot);
  active.sampling.reserve(sequence.max_num_tokens - sequence.num_prompt_tokens);
}

}  // namespace nacelle::engine
