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

SequenceSlot Scheduler::add(NewSequence from) {
  CHECK(!from.prompt.empty() && from.prompt.size() < options_.max_model_len);
  auto sequence = std::make_unique<Sequence>();
  sequence->id = from.id;
  sequence->tokens = std::move(from.prompt);
  sequence->num_prompt_tokens = sequence->num_tokens();
  sequence->max_num_tokens = from.max_num_tokens == 0
                                 ? options_.max_model_len
                                 : std::min(from.max_num_tokens, options_.max_model_len);
  sequence->priority = from.priority;
  sequence->arrival = from.arrival;
  if (!from.lora_name.empty()) {
    sequence->first_block_keys.push_back(from.lora_name);
    sequence->other_block_keys.push_back(from.lora_name);
  }
  if (!from.cache_salt.empty()) sequence->first_block_keys.push_back(from.cache_salt);
  sequence->reads_prefix_cache = !from.wants_prompt_rows;
  sequence->next_prompt_row = from.wants_prompt_rows ? 0 : sequence->num_prompt_tokens;
  cache_.hash_ahead(*sequence);

  if (free_slots_.empty()) {
    free_slots_.push_back({static_cast<std::uint32_t>(slots_.size())});
    slots_.emplace_back();
  }
  const SequenceSlot slot = free_slots_.back();
  const bool inserted = slot_of_.emplace(from.id, slot).second;
  CHECK(inserted);
  sequence->slot = slot;
  waiting_.push(*sequence);
  free_slots_.pop_back();
  slots_[slot.value] = std::move(sequence);
  return slot;
}

SequenceSlot Scheduler::slot_of(SequenceId id) const {
  const auto it = slot_of_.find(id);
  CHECK(it != slot_of_.end());
  return it->second;
}

const Sequence* Scheduler::find(SequenceId id) const {
  const auto it = slot_of_.find(id);
  return it == slot_of_.end() ? nullptr : slots_[it->second.value].get();
}

void Scheduler::expect_token(SequenceSlot slot) {
  Sequence& sequence = *slots_[slot.value];
  CHECK(!sequence.last_is_pending && sequence.drafts.empty());
  sequence.tokens.push_back(kPendingToken);
  sequence.last_is_pending = true;
}

void Scheduler::append_token(SequenceSlot slot, TokenId token) {
  Sequence& sequence = *slots_[slot.value];
  if (std::exchange(sequence.last_is_pending, false)) {
    sequence.tokens.back() = token;
  } else {
    sequence.tokens.push_back(token);
  }
  sequence.drafts.clear();  // they followed the token that was the newest
}

void Scheduler::drop_chunk(StepPlan& plan, ScheduledChunk& chunk) {
  Sequence& sequence = *slots_[chunk.slot.value];
  // No block of known tokens waits for this chunk, so nobody in the plan can have hit one.
  CHECK(chunk.num_tokens == 1 && chunk.samples && chunk.first_token + 1 == sequence.num_tokens());
  sequence.num_computed = chunk.first_token;
  plan.num_tokens -= chunk.num_tokens;
  chunk.num_tokens = 0;
}

void Scheduler::set_drafts(SequenceSlot slot, std::span<const TokenId> drafts) {
  Sequence& sequence = *slots_[slot.value];
  CHECK(!sequence.last_is_pending);
  sequence.drafts.assign(drafts.begin(), drafts.end());
}

void Scheduler::reject_drafts(SequenceSlot slot, std::uint32_t num_rejected) {
  Sequence& sequence = *slots_[slot.value];
  CHECK(num_rejected <= sequence.drafts.size() && num_rejected <= sequence.num_computed);
  sequence.num_computed -= num_rejected;  // the next tokens overwrite their K and V
}

void Scheduler::finish(SequenceId id, KeepCache keep) {
  const auto it = slot_of_.find(id);
  if (it == slot_of_.end()) return;
  const SequenceSlot slot = it->second;
  Sequence& sequence = *slots_[slot.value];
  if (sequence.state == SequenceState::kRunning) {
    std::erase(running_, &sequence);
  } else {
    waiting_.erase(sequence);
  }
  if (keep == KeepCache::kYes) {
    cache_.cache_computed(sequence);
  } else {
    cache_.forget(sequence, 0);
  }
  cache_.release(sequence);
  slot_of_.erase(it);
  slots_[slot.value].reset();
  free_slots_.push_back(slot);
}

void Scheduler::plan_step(StepPlan& plan) {
  plan.clear();
  Budget budget{options_.max_num_batched_tokens, options_.max_prompt_rows,
                options_.max_draft_tokens};
  cached_before_.clear();
  schedule_running(plan, budget);
  if (plan.preempted.empty()) admit_waiting(plan, budget, Admission::kPlanning);
  advance(plan.chunks);
}

void Scheduler::extend_plan(StepPlan& plan) {
  if (!plan.preempted.empty() || waiting_.empty()) return;
  Budget budget{options_.max_num_batched_tokens - plan.num_tokens, options_.max_prompt_rows, 0};
  for (const ScheduledChunk& chunk : plan.chunks) budget.prompt_rows -= chunk.num_prompt_rows;
  const std::size_t first = plan.chunks.size();
  admit_waiting(plan, budget, Admission::kExtending);
  advance(std::span(plan.chunks).subspan(first));
}

void Scheduler::schedule_running(StepPlan& plan, Budget& budget) {
  for (std::size_t i = 0; i < running_.size() && budget.tokens > 0;) {
    Sequence& sequence = *running_[i];
    // The token in flight will be its last one: there is nothing left to compute.
    if (sequence.num_tokens() >= sequence.max_num_tokens) {
      ++i;
      continue;
    }
    if (Status why = why_it_never_fits(sequence); !why.ok()) {
      if (sequence.last_is_pending) {  // it may end with that token; else it fails in the next plan
        ++i;
        continue;
      }
      fail(sequence, std::move(why), plan);  // removes it from running_
      continue;
    }
    ScheduledChunk chunk = next_chunk(sequence, sequence.num_computed, budget);
    if (chunk.num_tokens == 0) {
      ++i;
      continue;
    }
    const std::uint32_t cached_before = sequence.num_cached_blocks;
    const auto others = static_cast<std::uint32_t>(running_.size() - i - 1);
    chunk.num_draft_tokens = num_drafts_for(sequence, chunk, others, budget);
    if (chunk.num_draft_tokens > 0 &&
        cache_.allocate(sequence, {}, chunk.num_tokens + chunk.num_draft_tokens)) {
      chunk.num_tokens += chunk.num_draft_tokens;
      accept(chunk, cached_before, plan, budget);
      ++i;
      continue;
    }
    chunk.num_draft_tokens = 0;
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

// Drafts take what the budgets leave when each of the `others` behind still gets a token.
std::uint32_t Scheduler::num_drafts_for(const Sequence& sequence, const ScheduledChunk& chunk,
                                        std::uint32_t others, const Budget& budget) const {
  const auto rest = [](std::uint32_t limit, std::uint32_t used) {
    return limit > used ? limit - used : 0;
  };
  if (!chunk.samples || sequence.drafts.empty()) return 0;
  std::uint32_t count = std::min(static_cast<std::uint32_t>(sequence.drafts.size()), budget.drafts);
  count = std::min(count, rest(budget.tokens, chunk.num_tokens + others));
  // One more token than there are drafts may come of it.
  count = std::min(count, rest(sequence.max_num_tokens, sequence.num_tokens() + 1));
  if (options_.long_prefill_token_threshold > 0) {
    count = std::min(count, rest(options_.long_prefill_token_threshold, chunk.num_tokens));
  }
  return count;
}

void Scheduler::count_lookup(const Sequence& sequence, std::uint32_t num_hit) {
  if (!cache_.options().enable_prefix_caching || !sequence.reads_prefix_cache) return;
  if (sequence.state == SequenceState::kPreempted) return;
  counters_.prefix_queries += sequence.num_tokens();
  counters_.prefix_hits += num_hit;
}

void Scheduler::admit_waiting(StepPlan& plan, Budget& budget, Admission kind) {
  while (!waiting_.empty() && budget.tokens > 0 && running_.size() < options_.max_num_seqs) {
    Sequence& sequence = *slots_[slot_of(waiting_.front()).value];
    if (Status why = why_it_never_fits(sequence); !why.ok()) {
      fail(sequence, std::move(why), plan);
      continue;
    }
    cache_.find_prefix(sequence, hit_);
    const auto computed = static_cast<std::uint32_t>(hit_.size()) * cache_.options().block_size;
    if (kind == Admission::kPlanning) count_lookup(sequence, computed);
    if (blocked_by_budget(sequence, computed, budget.tokens)) return;
    const ScheduledChunk chunk = next_chunk(sequence, computed, budget);
    if (chunk.num_tokens == 0) return;
    if (options_.reserve_full_prompt && !cache_.fits(sequence, hit_, sequence.num_tokens())) return;
    cache_.reserve(sequence);
    if (!cache_.allocate(sequence, hit_, chunk.num_tokens)) return;

    if (kind == Admission::kExtending) count_lookup(sequence, computed);
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

  ScheduledChunk chunk{.sequence = sequence.id, .slot = sequence.slot, .first_token = computed};
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
    budget.drafts += chunk->num_draft_tokens;
    plan.num_tokens -= chunk->num_tokens;
    plan.chunks.erase(chunk);
    cached_before_.erase(cached_before_.begin() + index);
  }
  cache_.release(victim);
  running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(index_in_running));
  victim.state = SequenceState::kPreempted;
  victim.drafts.clear();
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
  budget.drafts -= chunk.num_draft_tokens;
}

void Scheduler::fail(Sequence& sequence, Status why, StepPlan& plan) {
  plan.failed.emplace_back(sequence.id, std::move(why));
  finish(sequence.id);
}

void Scheduler::advance(std::span<const ScheduledChunk> chunks) {
  for (const ScheduledChunk& chunk : chunks) {
    Sequence& sequence = *slots_[chunk.slot.value];
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
