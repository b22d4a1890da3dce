#include "engine/core/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

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

TEST(Scheduler, LongPromptIsChunkedAndDecodesGoFirst) {
  Scheduler scheduler = make(Case{});
  add(scheduler, 1, 5);
  add(scheduler, 2, 30);
  StepPlan plan = step(scheduler);
  EXPECT_THAT(chunks(plan), ElementsAre(Chunk{1, 0, 5}, Chunk{2, 0, 11}));
  EXPECT_TRUE(plan.chunks[0].samples);
  EXPECT_FALSE(plan.chunks[1].samples);
  EXPECT_THAT(chunks(step(scheduler)), ElementsAre(Chunk{1, 5, 1}, Chunk{2, 11, 15}));
  plan = step(scheduler);
  EXPECT_THAT(chunks(plan), ElementsAre(Chunk{1, 6, 1}, Chunk{2, 26, 4}));
  EXPECT_TRUE(plan.chunks[1].samples);
}

TEST(Scheduler, LongPrefillThresholdCapsOneSequence) {
  Case setup;
  setup.options.long_prefill_token_threshold = 6;
  Scheduler scheduler = make(setup);
  add(scheduler, 1, 30);
  add(scheduler, 2, 30);
  EXPECT_THAT(chunks(step(scheduler)), ElementsAre(Chunk{1, 0, 6}, Chunk{2, 0, 6}));
}

TEST(Scheduler, PlacesAreLimited) {
  Case setup;
  setup.options.max_num_seqs = 2;
  Scheduler scheduler = make(setup);
  for (std::uint64_t id = 1; id <= 3; ++id) add(scheduler, id, 2);
  EXPECT_THAT(chunks(step(scheduler)), ElementsAre(Chunk{1, 0, 2}, Chunk{2, 0, 2}));
  EXPECT_EQ(scheduler.num_waiting(), 1u);
  scheduler.finish(SequenceId{1});
  EXPECT_THAT(chunks(step(scheduler)), ElementsAre(Chunk{2, 2, 1}, Chunk{3, 0, 2}));
}

TEST(Scheduler, WithoutChunkingAPromptWaitsForAStepWithRoom) {
  Case setup;
  setup.options.enable_chunked_prefill = false;
  Scheduler scheduler = make(setup);
  add(scheduler, 1, 10);
  add(scheduler, 2, 10);
  add(scheduler, 3, 2);
  EXPECT_THAT(chunks(step(scheduler)), ElementsAre(Chunk{1, 0, 10}));  // 2 blocks 3: in order
  EXPECT_THAT(chunks(step(scheduler)),
              ElementsAre(Chunk{1, 10, 1}, Chunk{2, 0, 10}, Chunk{3, 0, 2}));
  add(scheduler, 4, 17);
  const StepPlan plan = step(scheduler);
  ASSERT_EQ(plan.failed.size(), 1u);
  EXPECT_EQ(plan.failed[0].first, SequenceId{4});
  EXPECT_EQ(plan.failed[0].second.code(), Code::kResourceExhausted);
}

TEST(Scheduler, PromptLargerThanThePoolFailsAtOnceAndNobodyWaitsBehindIt) {
  Case setup;
  setup.num_blocks = 4;
  Scheduler scheduler = make(setup);
  add(scheduler, 1, 13);
  add(scheduler, 2, 12);
  const StepPlan plan = step(scheduler);
  ASSERT_EQ(plan.failed.size(), 1u);
  EXPECT_EQ(plan.failed[0].first, SequenceId{1});
  EXPECT_EQ(plan.failed[0].second.message(),
            "13 tokens need 4 blocks of KV cache, this engine has 3 blocks of 4 tokens");
  EXPECT_THAT(chunks(plan), ElementsAre(Chunk{2, 0, 12}));
  EXPECT_EQ(scheduler.find(SequenceId{1}), nullptr);
}

TEST(Scheduler, SequenceThatOutgrowsThePoolFailsInsteadOfWaitingForEver) {
  Case setup;
  setup.num_blocks = 4;
  Scheduler scheduler = make(setup);
  add(scheduler, 1, 12);
  EXPECT_THAT(step(scheduler).failed, IsEmpty());
  const StepPlan plan = step(scheduler);
  ASSERT_EQ(plan.failed.size(), 1u);
  EXPECT_TRUE(scheduler.idle());
  EXPECT_EQ(scheduler.cache().pool().num_free(), 3u);
}

TEST(Scheduler, AdmissionNeedsRoomForTheWholePrompt) {
  Case setup;
  setup.num_blocks = 7;
  setup.options.max_num_batched_tokens = 8;
  Scheduler scheduler = make(setup);
  add(scheduler, 1, 8);
  add(scheduler, 2, 20);  // its first chunk would fit
  (void)step(scheduler);
  EXPECT_THAT(chunks(step(scheduler)), ElementsAre(Chunk{1, 8, 1}));

  setup.options.reserve_full_prompt = false;
  Scheduler eager = make(setup);
  add(eager, 1, 8);
  add(eager, 2, 20);
  (void)step(eager);
  EXPECT_THAT(chunks(step(eager)), ElementsAre(Chunk{1, 8, 1}, Chunk{2, 0, 7}));
}

TEST(Scheduler, FullCachePreemptsTheNewestSequence) {
  Case setup;
  setup.num_blocks = 5;
  setup.enable_prefix_caching = false;
  Scheduler scheduler = make(setup);
  add(scheduler, 1, 8);
  add(scheduler, 2, 8);
  (void)step(scheduler);  // all four blocks are taken and full
  const StepPlan plan = step(scheduler);
  EXPECT_THAT(plan.preempted, ElementsAre(SequenceId{2}));
  EXPECT_THAT(chunks(plan), ElementsAre(Chunk{1, 8, 1}));
  EXPECT_EQ(scheduler.find(SequenceId{2})->num_computed, 0u);
  EXPECT_EQ(scheduler.counters().preemptions, 1u);
  scheduler.finish(SequenceId{1});
  EXPECT_THAT(chunks(step(scheduler)), ElementsAre(Chunk{2, 0, 9}));  // prompt and its first output
}

TEST(Scheduler, PreemptedSequenceFindsItsPrefixAgain) {
  Case setup;
  setup.num_blocks = 6;
  Scheduler scheduler = make(setup);
  add(scheduler, 1, 8);
  add(scheduler, 2, 11);
  (void)step(scheduler);
  EXPECT_THAT(step(scheduler).preempted, ElementsAre(SequenceId{2}));
  scheduler.finish(SequenceId{1});
  const std::uint64_t queries = scheduler.counters().prefix_queries;
  EXPECT_THAT(chunks(step(scheduler)), ElementsAre(Chunk{2, 8, 3}));
  EXPECT_EQ(scheduler.counters().prefix_queries, queries);  // counted apart
  EXPECT_EQ(scheduler.find(SequenceId{2})->num_cached_tokens, 0u);
}

TEST(Scheduler, PriorityAdmitsTheSmallestAndPreemptsTheLargest) {
  Case setup;
  setup.num_blocks = 5;
  setup.options.policy = SchedulingPolicy::kPriority;
  Scheduler scheduler = make(setup);
  add(scheduler, 1, 8, 5);
  add(scheduler, 2, 8, -1);
  add(scheduler, 3, 3, 9);
  EXPECT_THAT(chunks(step(scheduler)), ElementsAre(Chunk{2, 0, 8}, Chunk{1, 0, 8}));
  const StepPlan plan = step(scheduler);
  EXPECT_THAT(plan.preempted, ElementsAre(SequenceId{1}));
  EXPECT_THAT(chunks(plan), ElementsAre(Chunk{2, 8, 1}));
  EXPECT_THAT(chunks(step(scheduler)), ElementsAre(Chunk{2, 9, 1}));  // 1 does not fit, 3 is behind
}

TEST(Scheduler, LeastUrgentSequenceGivesWayItself) {
  Case setup;
  setup.num_blocks = 5;
  setup.options.policy = SchedulingPolicy::kPriority;
  Scheduler scheduler = make(setup);
  add(scheduler, 1, 7, 9);
  (void)step(scheduler);  // blocks 1 and 2; the next token fills the second
  add(scheduler, 2, 8, 1);
  EXPECT_THAT(chunks(step(scheduler)), ElementsAre(Chunk{1, 7, 1}, Chunk{2, 0, 8}));
  const StepPlan plan = step(scheduler);
  EXPECT_THAT(plan.preempted, ElementsAre(SequenceId{1}));
  EXPECT_THAT(chunks(plan), IsEmpty());
}

// Two blocks of a long prompt are part of the step when a more urgent sequence takes them: they are
// in the index by then, but will never be computed.
TEST(Scheduler, BlocksThatAVictimWasAboutToFillAreNoHits) {
  Case setup;
  setup.num_blocks = 8;
  setup.options.policy = SchedulingPolicy::kPriority;
  setup.options.long_prefill_token_threshold = 8;
  setup.options.reserve_full_prompt = false;
  Scheduler scheduler = make(setup);
  add(scheduler, 1, 28, 9);
  EXPECT_THAT(chunks(step(scheduler)), ElementsAre(Chunk{1, 0, 8}));
  add(scheduler, 2, 4, 1);
  EXPECT_THAT(chunks(step(scheduler)), ElementsAre(Chunk{1, 8, 8}, Chunk{2, 0, 4}));
  // 1 takes the last two blocks for its next eight tokens; then 2 needs one for its second output.
  const StepPlan plan = step(scheduler);
  EXPECT_THAT(plan.preempted, ElementsAre(SequenceId{1}));
  EXPECT_THAT(chunks(plan), ElementsAre(Chunk{2, 4, 1}));
  EXPECT_EQ(plan.num_tokens, 1u);
  scheduler.finish(SequenceId{2});
  EXPECT_THAT(chunks(step(scheduler)), ElementsAre(Chunk{1, 16, 8}));  // not {1, 20, 8}
}

TEST(Scheduler, SequenceAdmittedInTheSameStepHitsTheBlocksBeingFilled) {
  Scheduler scheduler = make(Case{});
  add(scheduler, 1, 9, 0, 100);
  add(scheduler, 2, 9, 0, 100);
  EXPECT_THAT(chunks(step(scheduler)), ElementsAre(Chunk{1, 0, 9}, Chunk{2, 8, 1}));
  EXPECT_EQ(scheduler.find(SequenceId{2})->num_cached_tokens, 8u);
  EXPECT_EQ(scheduler.counters().prefix_queries, 18u);
  EXPECT_EQ(scheduler.counters().prefix_hits, 8u);
}

TEST(Scheduler, BlockedHeadIsLookedUpAndCountedInEachStep) {
  Case setup;
  setup.num_blocks = 4;
  Scheduler scheduler = make(setup);
  add(scheduler, 1, 8);
  add(scheduler, 2, 12);
  (void)step(scheduler);
  (void)step(scheduler);
  EXPECT_EQ(scheduler.counters().prefix_queries, 8u + 12u + 12u);
}

TEST(Scheduler, PromptRowsAreLimitedPerStepAndComeOnce) {
  Case setup;
  setup.options.max_prompt_rows = 3;
  Scheduler scheduler = make(setup);
  NewSequence sequence{.id = SequenceId{1}, .wants_prompt_rows = true};
  sequence.prompt.assign(8, 5);
  scheduler.add(std::move(sequence));
  add(scheduler, 2, 4);
  StepPlan plan = step(scheduler);
  EXPECT_THAT(chunks(plan), ElementsAre(Chunk{1, 0, 3}, Chunk{2, 0, 4}));
  EXPECT_EQ(plan.chunks[0].num_prompt_rows, 3u);
  EXPECT_EQ(plan.chunks[1].num_prompt_rows, 0u);
  plan = step(scheduler);
  EXPECT_EQ(plan.chunks[0].first_prompt_row, 3u);
  EXPECT_EQ(plan.chunks[0].num_prompt_rows, 3u);
  plan = step(scheduler);
  EXPECT_THAT(chunks(plan), ElementsAre(Chunk{1, 6, 2}, Chunk{2, 5, 1}));
  EXPECT_EQ(plan.chunks[0].first_prompt_row, 6u);
  EXPECT_EQ(plan.chunks[0].num_prompt_rows, 1u);  // row 7 is the one that samples
  EXPECT_TRUE(plan.chunks[0].samples);
  EXPECT_EQ(step(scheduler).chunks[0].num_prompt_rows, 0u);
}

TEST(Scheduler, PromptLogprobsDoNotReadTheCache) {
  Scheduler scheduler = make(Case{});
  add(scheduler, 1, 9, 0, 100);
  (void)step(scheduler);
  NewSequence sequence{.id = SequenceId{2}, .wants_prompt_rows = true};
  sequence.prompt.resize(9);
  std::iota(sequence.prompt.begin(), sequence.prompt.end(), 100);
  scheduler.add(std::move(sequence));
  EXPECT_THAT(chunks(step(scheduler)), ElementsAre(Chunk{1, 9, 1}, Chunk{2, 0, 9}));
  EXPECT_EQ(scheduler.counters().prefix_queries, 9u);
}

TEST(Scheduler, FinishedSequenceFreesItsBlocksWhereverItIs) {
  Case setup;
  setup.options.max_num_seqs = 1;
  Scheduler scheduler = make(setup);
  add(scheduler, 1, 9);
  add(scheduler, 2, 9);
  (void)step(scheduler);
  scheduler.finish(SequenceId{1});
  scheduler.finish(SequenceId{2});
  scheduler.finish(SequenceId{3});
  EXPECT_TRUE(scheduler.idle());
  EXPECT_EQ(scheduler.cache().pool().num_free(), 99u);
  EXPECT_THAT(scheduler.plan_step().chunks, IsEmpty());
}

TEST(Scheduler, DistrustedContentIsForgotten) {
  Scheduler scheduler = make(Case{});
  add(scheduler, 1, 9, 0, 100);
  (void)step(scheduler);
  scheduler.finish(SequenceId{1}, KeepCache::kNo);
  add(scheduler, 2, 9, 0, 100);
  EXPECT_THAT(chunks(step(scheduler)), ElementsAre(Chunk{2, 0, 9}));
}

}  // namespace
}  // namespace nacelle::engine
