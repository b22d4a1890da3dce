// Plans made before the step before them has ended, and drafts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "engine/core/scheduler.h"

namespace nacelle::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::uint32_t kBlockSize = 4;

struct Case {
  std::uint32_t num_blocks = 100;
  SchedulerOptions options{.max_num_batched_tokens = 16, .max_num_seqs = 4, .max_model_len = 1000};
  bool enable_prefix_caching = true;
};

Scheduler make(const Case& setup) {
  return Scheduler(setup.options, KvCache({.num_blocks = setup.num_blocks,
                                           .block_size = kBlockSize,
                                           .enable_prefix_caching = setup.enable_prefix_caching},
                                          BlockHasher(HashAlgorithm::kSha256Cbor, "0")));
}

// Prompts of different sequences share nothing unless `first` is equal.
void add(Scheduler& scheduler, std::uint64_t id, std::uint32_t num_tokens,
         std::int64_t priority = 0, TokenId first = -1) {
  NewSequence sequence{.id = SequenceId{id}, .priority = priority};
  sequence.prompt.resize(num_tokens);
  std::iota(sequence.prompt.begin(), sequence.prompt.end(),
            first >= 0 ? first : static_cast<TokenId>(id * 10000));
  scheduler.add(std::move(sequence));
}

// (sequence, first token, tokens) of each chunk.
std::vector<std::tuple<std::uint64_t, std::uint32_t, std::uint32_t>> chunks(const StepPlan& plan) {
  std::vector<std::tuple<std::uint64_t, std::uint32_t, std::uint32_t>> rows;
  for (const ScheduledChunk& chunk : plan.chunks) {
    rows.emplace_back(chunk.sequence.value, chunk.first_token, chunk.num_tokens);
  }
  return rows;
}

// Plans a step and gives every sampling sequence the token 7.
StepPlan step(Scheduler& scheduler) {
  StepPlan plan = scheduler.plan_step();
  for (const ScheduledChunk& chunk : plan.chunks) {
    if (chunk.samples) scheduler.append_token(chunk.sequence, 7);
  }
  return plan;
}

using Chunk = std::tuple<std::uint64_t, std::uint32_t, std::uint32_t>;

// Plans a step, then the next one before the first has yielded its tokens.
struct Ahead {
  StepPlan now, next;
};
Ahead plan_two(Scheduler& scheduler) {
  Ahead ahead{.now = scheduler.plan_step()};
  for (const ScheduledChunk& chunk : ahead.now.chunks) {
    if (chunk.samples) scheduler.expect_token(chunk.slot);
  }
  scheduler.plan_step(ahead.next);
  return ahead;
}

TEST(SchedulerAhead, PendingTokenIsPlannedAndFilledInLater) {
  Scheduler scheduler = make(Case{});
  add(scheduler, 1, 7);
  const Ahead ahead = plan_two(scheduler);
  EXPECT_THAT(chunks(ahead.next), ElementsAre(Chunk{1, 7, 1}));
  const Sequence& sequence = *scheduler.find(SequenceId{1});
  EXPECT_EQ(sequence.num_cached_blocks, 1u);  // the second block waits for its last token
  scheduler.append_token(SequenceId{1}, 42);
  EXPECT_EQ(sequence.tokens.back(), 42);
  EXPECT_EQ(sequence.num_tokens(), 8u);
  scheduler.finish(SequenceId{1});  // after the planned step: enters what is known by now
  add(scheduler, 2, 1);
  EXPECT_EQ(scheduler.cache().index().size(), 2u);
}

TEST(SchedulerAhead, EndedSequenceLeavesThePlanAndItsLastBlockIsNotCached) {
  Scheduler scheduler = make(Case{});
  add(scheduler, 1, 7);
  add(scheduler, 2, 3);
  Ahead ahead = plan_two(scheduler);
  ASSERT_THAT(chunks(ahead.next), ElementsAre(Chunk{1, 7, 1}, Chunk{2, 3, 1}));
  scheduler.append_token(SequenceId{1}, 42);
  scheduler.drop_chunk(ahead.next, ahead.next.chunks[0]);
  scheduler.finish(SequenceId{1});
  EXPECT_EQ(ahead.next.num_tokens, 1u);
  EXPECT_EQ(scheduler.cache().index().size(), 1u);  // position 7 was never computed
}

TEST(SchedulerAhead, LastTokenOfASequenceIsNotPlannedAhead) {
  Scheduler scheduler = make(Case{});
  NewSequence sequence{.id = SequenceId{1}, .prompt = {1, 2, 3}, .max_num_tokens = 4};
  scheduler.add(std::move(sequence));
  EXPECT_THAT(plan_two(scheduler).next.chunks, IsEmpty());
}

TEST(SchedulerAhead, SequenceThatOutgrowsThePoolMayStillEndWithItsPendingToken) {
  Case setup;
  setup.num_blocks = 3;  // 8 slots
  Scheduler scheduler = make(setup);
  add(scheduler, 1, 8);
  const Ahead ahead = plan_two(scheduler);
  EXPECT_THAT(ahead.next.chunks, IsEmpty());
  EXPECT_THAT(ahead.next.failed, IsEmpty());
  scheduler.append_token(SequenceId{1}, 7);
  EXPECT_EQ(scheduler.plan_step().failed.size(), 1u);
}

TEST(SchedulerAhead, PlanIsExtendedWithinItsBudgets) {
  Scheduler scheduler = make(Case{});
  add(scheduler, 1, 5);
  StepPlan plan = scheduler.plan_step();
  add(scheduler, 2, 30);
  scheduler.extend_plan(plan);
  EXPECT_THAT(chunks(plan), ElementsAre(Chunk{1, 0, 5}, Chunk{2, 0, 11}));
  EXPECT_EQ(plan.num_tokens, 16u);
  EXPECT_EQ(scheduler.find(SequenceId{2})->num_computed, 11u);
}

TEST(SchedulerAhead, DraftsTakeWhatOthersLeave) {
  Case setup;
  setup.options.max_num_batched_tokens = 6;
  setup.options.max_draft_tokens = 4;
  Scheduler scheduler = make(setup);
  for (std::uint64_t id = 1; id <= 2; ++id) add(scheduler, id, 2);
  (void)step(scheduler);
  const std::vector<TokenId> drafts = {1, 2, 3, 4, 5};
  for (std::uint64_t id = 1; id <= 2; ++id) {
    scheduler.set_drafts(scheduler.find(SequenceId{id})->slot, drafts);
  }
  const StepPlan plan = scheduler.plan_step();
  EXPECT_THAT(chunks(plan), ElementsAre(Chunk{1, 2, 5}, Chunk{2, 2, 1}));
  EXPECT_EQ(plan.chunks[0].num_draft_tokens, 4u);
  EXPECT_EQ(plan.chunks[0].num_sampling_rows(), 5u);
  scheduler.reject_drafts(plan.chunks[0].slot, 3);
  EXPECT_EQ(scheduler.at(plan.chunks[0].slot).num_computed, 4u);
}

TEST(SchedulerAhead, DraftsNeitherPreemptNorPassTheEnd) {
  Case setup;
  setup.num_blocks = 3;  // 8 slots
  setup.options.max_draft_tokens = 8;
  Scheduler scheduler = make(setup);
  add(scheduler, 1, 3);
  add(scheduler, 2, 3);
  (void)step(scheduler);
  const std::vector<TokenId> drafts = {1, 2, 3, 4};
  scheduler.set_drafts(scheduler.find(SequenceId{1})->slot, drafts);
  StepPlan plan = scheduler.plan_step();
  EXPECT_THAT(plan.preempted, IsEmpty());
  EXPECT_THAT(chunks(plan), ElementsAre(Chunk{1, 3, 1}, Chunk{2, 3, 1}));

  Scheduler roomy = make({.options = setup.options});
  roomy.add({.id = SequenceId{1}, .prompt = {1, 2, 3}, .max_num_tokens = 6});
  (void)step(roomy);
  roomy.set_drafts(roomy.find(SequenceId{1})->slot, drafts);
  plan = roomy.plan_step();  // one draft and the token after it fill the six
  EXPECT_THAT(chunks(plan), ElementsAre(Chunk{1, 3, 2}));
}

}  // namespace
}  // namespace nacelle::engine
