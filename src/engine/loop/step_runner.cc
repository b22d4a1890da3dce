#include "engine/loop/step_runner.h"

#include <exception>
#include <utility>

#include "base/check.h"
#include "engine/exec/stop_checker.h"

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
          .policy = config.policy};
}

KvCache make_cache(const EngineConfig& config, BlockHasher hasher) {
  return KvCache({.num_blocks = config.num_blocks,
                  .block_size = config.block_size,
                  .enable_prefix_caching = config.enable_prefix_caching},
                 std::move(hasher));
}

// Spreads (engine seed, sequence) over 64 bits: the splitmix64 finaliser.
std::uint64_t own_seed(std::uint64_t engine_seed, SequenceId id) {
  std::uint64_t x = engine_seed + id.value * 0x9E3779B97F4A7C15u;
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
  x = (x ^ x >> 27) * 0x94D049BB133111EBu;
  return x ^ x >> 31;
}

// A sink that throws (its memory ran out, say) loses its output; the other sequences go on.
void report(OutputSink& sink, SequenceOutput output) {
  try {
    sink.on_output(std::move(output));
  } catch (const std::exception&) {
  }
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
      sampling_pass_(pool),
      recorder_(config.max_model_len),
      logits_size_((std::size_t{config.max_num_seqs} + config.max_prompt_logprob_rows) *
                   vocab_size_) {
  logits_.reset(new float[logits_size_]);  // pages are touched only when rows are used
}

void StepRunner::add(SequenceId id, Request request, Engine::Admission place,
                     std::shared_ptr<OutputSink> sink, TimePoint queued) {
  const std::uint64_t seed = request.params.seed ? static_cast<std::uint64_t>(*request.params.seed)
                                                 : own_seed(config_.seed, id);
  const auto num_prompt_tokens = static_cast<std::uint32_t>(request.prompt.size());
  SamplingState sampling(std::move(request.params), seed, config_.eos_token, request.prompt,
                         request.num_resumed_tokens);
  const bool wants_prompt_rows = sampling.params().prompt_logprobs >= 0;
  ActiveSequence active{.sink = std::move(sink),
                        .place = std::move(place),
                        .sampling = std::move(sampling),
                        .num_prompt_tokens = num_prompt_tokens,
                        .queued = queued};
  active.times.arrival = request.arrival == TimePoint{} ? queued : request.arrival;
  if (wants_prompt_rows) active.prompt_logprobs.emplace_back();  // nothing predicts the first
  active_.emplace(id, std::move(active));
  scheduler_.add({.id = id,
                  .prompt = std::move(request.prompt),
                  .priority = request.priority,
                  .arrival = request.arrival == TimePoint{} ? queued : request.arrival,
                  .cache_salt = std::move(request.cache_salt),
                  .wants_prompt_rows = wants_prompt_rows});
}

void StepRunner::abort(SequenceId id, FinishReason reason) {
  finish(id, reason, {}, KeepCache::kYes);
}

void StepRunner::abort_all(FinishReason reason, const Status& error) {
  while (!active_.empty()) finish(active_.begin()->first, reason, error, KeepCache::kYes);
}

void StepRunner::step() {
  const TimePoint scheduled = clock_.now();
  const StepPlan plan = scheduler_.plan_step();
  for (const auto& [id, why] : plan.failed) {
    finish(id, FinishReason::kError, why, KeepCache::kYes);
  }
  if (plan.chunks.empty()) {
    // Progress is an invariant of the scheduler; were it broken, callers must not wait for ever.
    if (plan.failed.empty() && plan.preempted.empty() && !scheduler_.idle()) {
      abort_all(FinishReason::kError, internal("the scheduler found nothing to run"));
    }
    return;
  }
  for (const ScheduledChunk& chunk : plan.chunks) note_first_schedule(chunk, scheduled);

  const model::ForwardBatch batch = batch_builder_.build(plan, scheduler_);
  const std::size_t num_logits = batch.logit_rows.size() * vocab_size_;
  CHECK(num_logits <= logits_size_);
  model_->forward(batch, std::span(logits_.get(), num_logits));

  sample_rows(plan);

  const TimePoint now = clock_.now();
  std::span<RowJob> rows = rows_;
  for (const ScheduledChunk& chunk : plan.chunks) {
    const std::size_t count = chunk.num_prompt_rows + (chunk.samples ? 1 : 0);
    process_chunk(chunk, rows.first(count), now);
    rows = rows.subspan(count);
  }
  recorder_.on_step();
}

void StepRunner::sample_rows(const StepPlan& plan) {
  rows_.clear();
  const auto add_row = [&](const ActiveSequence& active, std::optional<TokenId> prompt_token) {
    float* const row = logits_.get() + rows_.size() * vocab_size_;
    rows_.push_back(
        {.logits = {row, vocab_size_}, .sampling = &active.sampling, .prompt_token = prompt_token});
  };
  for (const ScheduledChunk& chunk : plan.chunks) {
    const ActiveSequence& active = active_.at(chunk.sequence);
    for (std::uint32_t i = 0; i < chunk.num_prompt_rows; ++i) {
      const Sequence* sequence = scheduler_.find(chunk.sequence);
      add_row(active, sequence->tokens[chunk.first_prompt_row + i + 1]);
    }
    if (chunk.samples) add_row(active, std::nullopt);
  }
  sampling_pass_.run(rows_);
}

void StepRunner::note_first_schedule(const ScheduledChunk& chunk, TimePoint now) {
  ActiveSequence& active = active_.at(chunk.sequence);
  if (active.times.first_scheduled) return;
  active.times.first_scheduled = now;
  active.num_cached_tokens = scheduler_.find(chunk.sequence)->num_cached_tokens;
}

void StepRunner::process_chunk(const ScheduledChunk& chunk, std::span<RowJob> rows, TimePoint now) {
  ActiveSequence& active = active_.at(chunk.sequence);
  for (RowJob& row : rows) {
    if (row.error.code() == Code::kDataLoss) {
      return finish_corrupted(chunk.sequence, std::move(row.error));
    }
    if (!row.error.ok()) {
      return finish(chunk.sequence, FinishReason::kError, std::move(row.error), KeepCache::kYes);
    }
    if (row.prompt_token) {
      active.prompt_logprobs.push_back(std::move(*row.result.logprobs));
    } else {
      deliver_token(chunk.sequence, active, std::move(row.result), now);  // the last row
    }
  }
}

void StepRunner::deliver_token(SequenceId id, ActiveSequence& active, SampledToken sampled,
                               TimePoint now) {
  scheduler_.append_token(id, sampled.token);
  active.sampling.append_output(sampled.token);
  ++active.num_generated;
  recorder_.on_token(active, now);
  if (!active.times.first_token) active.times.first_token = now;
  active.times.last_token = now;

  const StopVerdict verdict = check_stop(
      active.sampling.params(), config_.eos_token, sampled.token, active.sampling.num_outputs(),
      active.num_prompt_tokens + active.num_generated, config_.max_model_len);
  SequenceOutput output{.sequence = id};
  output.tokens.push_back(sampled.token);
  if (sampled.logprobs) output.logprobs.push_back(std::move(*sampled.logprobs));
  output.prompt_logprobs = std::exchange(active.prompt_logprobs, {});
  output.num_cached_tokens = active.num_cached_tokens;
  output.finish = verdict.finish;
  output.stop_token = verdict.stop_token;
  output.times = active.times;

  if (verdict.finish == FinishReason::kNone) {
    report(*active.sink, std::move(output));
    return;
  }
  scheduler_.finish(id);
  recorder_.on_finish(active, verdict.finish, now);
  const auto node = active_.extract(id);
  node.mapped().place = {};  // free before the caller learns of the end
  report(*node.mapped().sink, std::move(output));
}

// The sequence ends without a new token.
void StepRunner::finish(SequenceId id, FinishReason reason, Status error, KeepCache keep) {
  const auto node = active_.extract(id);
  if (node.empty()) return;
  ActiveSequence& active = node.mapped();
  scheduler_.finish(id, keep);
  recorder_.on_finish(active, reason, clock_.now());
  active.place = {};
  SequenceOutput output{.sequence = id};
  output.num_cached_tokens = active.num_cached_tokens;
  output.finish = reason;
  output.error = std::move(error);
  output.times = active.times;
  report(*active.sink, std::move(output));
}

void StepRunner::finish_corrupted(SequenceId id, Status error) {
  recorder_.on_corrupted();
  finish(id, FinishReason::kError, std::move(error), KeepCache::kNo);
}

}  // namespace nacelle::engine
