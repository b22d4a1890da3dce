#include "engine/core/scheduler.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace nacelle::engine {

Scheduler::Scheduler(const SchedulerOptions& options, KvCache cache)
    : options_(options), cache_(std::move(cache)), waiting_(options.policy) {
  CHECK(options.max_num_batched_tokens > 0 && options.max_num_seqs > 0 &&
        options.max_prompt_rows > 0);
}

void Scheduler::add(NewSequence from) {
  CHECK(!from.prompt.empty() && from.prompt.size() < options_.max_model_len);
  auto sequence = std::make_unique<Sequence>();
  sequence->id = from.id;
  sequence->tokens = std::move(from.prompt);
  sequence->num_prompt_tokens = sequence->num_tokens();
  sequence->priority = from.priority;
  sequence->arrival = from.arrival;
  if (!from.lora_name.empty()) {
    sequence->first_block_keys.push_back(from.lora_name);
    sequence->other_block_keys.push_back(from.lora_name);
  }
  if (!from.cache_salt.empty()) sequence->first_block_keys.push_back(from.cache_salt);
  sequence->reads_prefix_cache = !from.wants_prompt_rows;
  sequence->next_prompt_row = from.wants_prompt_rows ? 0 : sequence->num_prompt_tokens;
  waiting_.push(*sequence);
  const bool inserted = sequences_.emplace(from.id, std::move(sequence)).second;
  CHECK(inserted);
}

const Sequence* Scheduler::find(SequenceId id) const {
  const auto it = sequences_.find(id);
  return it == sequences_.end() ? nullptr : it->second.get();
}

void Scheduler::append_token(SequenceId id, TokenId token) {
  const auto it = sequences_.find(id);
  CHECK(it != sequences_.end());
  it->second->tokens.push_back(token);
}

void Scheduler::finish(SequenceId id, KeepCache keep) {
  const auto it = sequences_.find(id);
  if (it == sequences_.end()) return;
  Sequence& sequence = *it->second;
  if (sequence.state == SequenceState::kRunning) {
    std::erase(running_, &sequence);
  } else {
    waiting_.erase(sequence);
  }
  if (keep == KeepCache::kNo) cache_.forget(sequence, 0);
  cache_.release(sequence);
  sequences_.erase(it);
}

StepPlan Scheduler::plan_step() {
  StepPlan plan;
  Budget budget{options_.max_num_batched_tokens, options_.max_prompt_rows};
  cached_before_.clear();
  schedule_running(plan, budget);
  if (plan.preempted.empty()) admit_waiting(plan, budget);
  advance(plan);
  return plan;
}

void Scheduler::schedule_running(StepPlan& plan, Budget& budget) {
  for (std::size_t i = 0; i < running_.size() && budget.tokens > 0;) {
    Sequence& sequence = *running_[i];
    if (Status why = why_it_never_fits(sequence); !why.ok()) {
      fail(sequence, std::move(why), plan);  // removes it from running_
      continue;
    }
    const ScheduledChunk chunk = next_chunk(sequence, sequence.num_computed, budget);
    if (chunk.num_tokens == 0) {
      ++i;
      continue;
    }
    const std::uint32_t cached_before = sequence.num_cached_blocks;
    while (!cache_.allocate(sequence, {}, chunk.num_tokens)) {
      const std::size_t victim = least_urgent_running();
      preempt(victim, plan, budget);
      if (victim == i) return;
      if (victim < i) --i;
    }
    accept(chunk, cached_before, plan, budget);
    ++i;
  }
}

void Scheduler::admit_waiting(StepPlan& plan, Budget& budget) {
  while (!waiting_.empty() && budget.tokens > 0 && running_.size() < options_.max_num_seqs) {
    Sequence& sequence = *sequences_.at(waiting_.front());
    if (Status why = why_it_never_fits(sequence); !why.ok()) {
      fail(sequence, std::move(why), plan);
      continue;
    }
    cache_.find_prefix(sequence, hit_);
    const auto computed = static_cast<std::uint32_t>(hit_.size()) * cache_.options().block_size;
    const bool counts = cache_.options().enable_prefix_caching && sequence.reads_prefix_cache &&
                        sequence.state != SequenceState::kPreempted;
    if (counts) {
      counters_.prefix_queries += sequence.num_tokens();
      counters_.prefix_hits += computed;
    }
    if (blocked_by_budget(sequence, computed, budget.tokens)) return;
    const ScheduledChunk chunk = next_chunk(sequence, computed, budget);
    if (chunk.num_tokens == 0) return;
    if (options_.reserve_full_prompt && !cache_.fits(sequence, hit_, sequence.num_tokens())) return;
    if (!cache_.allocate(sequence, hit_, chunk.num_tokens)) return;

    waiting_.erase(sequence);
    running_.push_back(&sequence);
    sequence.state = SequenceState::kRunning;
    if (!std::exchange(sequence.ever_scheduled, true)) sequence.num_cached_tokens = computed;
    accept(chunk, static_cast<std::uint32_t>(hit_.size()), plan, budget);
  }
}

ScheduledChunk Scheduler::next_chunk(const Sequence& sequence, std::uint32_t computed,
                                     const Budget& budget) const {
  std::uint32_t count = sequence.num_tokens() - computed;
  if (options_.long_prefill_token_threshold > 0) {
    count = std::min(count, options_.long_prefill_token_threshold);
  }
  count = std::min(count, budget.tokens);
  count =
      std::min(count, options_.max_model_len - 1 - std::min(computed, options_.max_model_len - 1));

  ScheduledChunk chunk{.sequence = sequence.id, .first_token = computed};
  // Nothing predicts the first token and the last one predicts an output: rows 0 to prompt - 2.
  const std::uint32_t rows_end = sequence.num_prompt_tokens - 1;
  const std::uint32_t first_row = std::max(computed, sequence.next_prompt_row);
  if (first_row < rows_end && first_row < computed + count) {
    if (std::min(computed + count, rows_end) - first_row > budget.prompt_rows) {
      count = first_row + budget.prompt_rows - computed;
    }
    chunk.first_prompt_row = first_row;
    chunk.num_prompt_rows = std::min(computed + count, rows_end) - first_row;
  }
  chunk.num_tokens = count;
  chunk.samples = computed + count == sequence.num_tokens();
  return chunk;
}

bool Scheduler::blocked_by_budget(const Sequence& sequence, std::uint32_t computed,
                                  std::uint32_t budget_tokens) const {
  if (options_.enable_chunked_prefill) return false;
  std::uint32_t count = sequence.num_tokens() - computed;
  if (options_.long_prefill_token_threshold > 0) {
    count = std::min(count, options_.long_prefill_token_threshold);
  }
  return count > budget_tokens;
}

Status Scheduler::why_it_never_fits(const Sequence& sequence) const {
  const std::uint32_t wanted = cache_.blocks_for(sequence.num_tokens());
  if (wanted > cache_.pool().num_usable()) {
    return resource_exhausted(
        "{} tokens need {} blocks of KV cache, this engine has {} blocks of {} tokens",
        sequence.num_tokens(), wanted, cache_.pool().num_usable(), cache_.options().block_size);
  }
  // Without hits, which may come and go, this is what has to fit a step.
  if (sequence.state != SequenceState::kRunning && !options_.enable_chunked_prefill &&
      blocked_by_budget(sequence, 0, options_.max_num_batched_tokens)) {
    return resource_exhausted(
        "{} tokens exceed the step's budget of {} tokens and chunked prefill is off",
        sequence.num_tokens(), options_.max_num_batched_tokens);
  }
  return {};
}

std::size_t Scheduler::least_urgent_running() const {
  if (options_.policy == SchedulingPolicy::kFcfs) return running_.size() - 1;
  const auto it = std::ranges::max_element(running_, {}, [this](const Sequence* sequence) {
    return urgency_of(*sequence, options_.policy);
  });
  return static_cast<std::size_t>(it - running_.begin());
}

void Scheduler::preempt(std::size_t index_in_running, StepPlan& plan, Budget& budget) {
  Sequence& victim = *running_[index_in_running];
  const auto chunk = std::ranges::find(plan.chunks, victim.id, &ScheduledChunk::sequence);
  if (chunk != plan.chunks.end()) {
    // Already in this step: the blocks it was about to fill never will be.
    const auto index = chunk - plan.chunks.begin();
    cache_.forget(victim, cached_before_[static_cast<std::size_t>(index)]);
    budget.tokens += chunk->num_tokens;
    budget.prompt_rows += chunk->num_prompt_rows;
    plan.num_tokens -= chunk->num_tokens;
    plan.chunks.erase(chunk);
    cached_before_.erase(cached_before_.begin() + index);
  }
  cache_.release(victim);
  running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(index_in_running));
  victim.state = SequenceState::kPreempted;
  ++victim.num_preemptions;
  ++counters_.preemptions;
  waiting_.push(victim);
  plan.preempted.push_back(victim.id);
}

void Scheduler::accept(const ScheduledChunk& chunk, std::uint32_t cached_before, StepPlan& plan,
                       Budget& budget) {
  plan.chunks.push_back(chunk);
  cached_before_.push_back(cached_before);
  plan.num_tokens += chunk.num_tokens;
  budget.tokens -= chunk.num_tokens;
  budget.prompt_rows -= chunk.num_prompt_rows;
}

void Scheduler::fail(Sequence& sequence, Status why, StepPlan& plan) {
  plan.failed.emplace_back(sequence.id, std::move(why));
  finish(sequence.id);
}

void Scheduler::advance(const StepPlan& plan) {
  for (const ScheduledChunk& chunk : plan.chunks) {
    Sequence& sequence = *sequences_.at(chunk.sequence);
    sequence.num_computed = chunk.first_token + chunk.num_tokens;
    if (chunk.num_prompt_rows > 0) {
      sequence.next_prompt_row = chunk.first_prompt_row + chunk.num_prompt_rows;
    }
    // Once no row is owed, a recomputation after a preemption may use the cache.
    if (sequence.next_prompt_row + 1 >= sequence.num_prompt_tokens) {
      sequence.reads_prefix_cache = true;
    }
  }
}

}  // namespace nacelle::engine
